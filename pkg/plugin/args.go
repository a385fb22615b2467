package plugin

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// arguments checks the number of arguments of a command; a negative most allows any number. The error contains the
// usage line, as Helm's does.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		want := ""
		switch n := len(args); {
		case n < least && least == most:
			want = "requires " + counted(least, "argument")
		case n < least:
			want = "requires at least " + counted(least, "argument")
		case most == 0 && n > 0:
			want = "takes no arguments"
		case most > 0 && n > most:
			want = "takes at most " + counted(most, "argument")
		default:
			return nil
		}
		return fmt.Errorf("%q %s\n\nUsage:  %s", cmd.CommandPath(), want, cmd.UseLine())
	}
}

// counted returns a number of things, such as "no tasks", "1 task" or "2 tasks".
func counted(n int, thing string) string {
	switch n {
	case 0:
		return "no " + thing + "s"
	case 1:
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// knownCommand returns the error for an unknown command, with similar names.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		hint = fmt.Sprintf("hint: did you mean \"%s %s\"?\n", cmd.CommandPath(), strings.Join(similar, "\" or \""))
	}
	return fmt.Errorf("unknown command %q for %q\n%ssee '%s --help'", args[0], cmd.CommandPath(), hint, cmd.CommandPath())
}
