package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/lagoon"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// recordable are the commands that a record may contain, with their operations in records.
var recordable = map[string][]task.Operation{
	"install":   {task.Install},
	"upgrade":   {task.Upgrade, task.Install},
	"rollback":  {task.Rollback},
	"uninstall": {task.Uninstall},
	"run":       {task.Run},
}

// decisions are the flags whose recorded values apply: they choose what the run does in its namespace. A flag that is
// neither here nor in ofMachine is refused, so that a new flag is not accepted by accident.
var decisions = []string{
	"atomic", "burst-limit", "cascade", "cleanup-on-fail", "clone", "concurrency", "container", "create-namespace", "debug",
	"description", "devel", "disable-openapi-validation", "draft-compat", "exec", "force", "force-tasks", "format", "generate-name", "grace",
	"heal", "hide-notes", "history-max", "hooks", "ignore-not-found", "install", "job", "keep-going", "keep-history", "keptn",
	"keptn-non-blocking", "labels", "lagoon-compat", "lagoon-service", "lagoon-service-label", "name-template", "no-hooks",
	"once-per-version", "output", "parallel", "param", "phase", "pod", "pods", "promotion", "qps", "recreate-pods", "release",
	"render-subchart-notes", "replace", "reset-then-reuse-values", "reset-values", "reuse-values", "rollback-on-failure",
	"runner-image", "set", "set-json", "set-literal", "set-string", "skip-crds", "skip-evaluations", "skip-schema-validation",
	"take-ownership", "task-timeout", "timeout", "var", "verify", "version", "wait", "wait-for-jobs",
}

// ofMachine are the flags that run programs on this machine, read or write its files, connect to other machines,
// or answer questions for the user. The user who resumes a run gives them again, or confirms those of the record.
var ofMachine = []string{
	"allow-host-tasks", "ca-file", "cert-file", "dependency-update", "draft-shell", "enable-dns", "events", "filename",
	"insecure-skip-tls-verify", "key-file", "keyring", "params-file", "pass-credentials", "password", "plain-http", "post-renderer",
	"post-renderer-args", "readiness", "registry-config", "repo", "repository-cache", "repository-config", "set-file", "tasks",
	"unmasked", "username", "values", "var-file", "yes",
}

// setting is a flag with a value.
type setting struct{ name, value string }

// String returns the flag as it is written on a command line.
func (s setting) String() string { return fmt.Sprintf("--%s=%s", s.name, s.value) }

// recorded is the command of a run, as its record has it.
type recorded struct {
	id        string
	operation task.Operation
	release   string
	command   []string
}

// recalled is a parsed command of a record.
type recalled struct {
	command string
	// decided are its flags of decisions, and machine those of ofMachine, including a chart outside the working directory.
	decided, machine []setting
	args             []string
	// dash is the number of args before "--"; -1 without it.
	dash int
	// flags are all flags of the command.
	flags *pflag.FlagSet
}

const (
	// chartFlag is resume's flag for the chart.
	chartFlag = "chart"
	// tlsFlag is for the download of the chart in Helm's commands, and for the cluster in all others.
	tlsFlag = "insecure-skip-tls-verify"
)

// recall parses the command of a record. The record is not trusted: flags that are in neither list are refused, and so
// is a command for another release or operation.
func (a *App) recall(run recorded) (*recalled, error) {
	refuse := func(format string, args ...any) error {
		return action.RefusedError{Message: shown("run %s cannot be resumed from its record: %s", run.id, fmt.Sprintf(format, args...))}
	}
	name := run.command[0]
	if !slices.Contains(recordable[name], run.operation) {
		return nil, refuse("%q is not a command of a run that is recorded as %q", name, run.operation)
	}
	root := a.Command()
	cmd, rest, err := root.Find(run.command)
	if err != nil || cmd.Parent() != root || cmd.Name() != name {
		return nil, refuse("%q is not a command", name)
	}
	r := &recalled{command: name, flags: cmd.Flags()}
	var unknown error
	of := "" // the value of --release: ParseAll sets no flags
	err = cmd.Flags().ParseAll(rest, func(f *pflag.Flag, value string) error {
		s := setting{f.Name, value}
		if f.Name == "release" {
			of = value
		}
		switch {
		case f.Name == "generate-name", f.Name == "name-template": // the name is recorded
		case slices.Contains(decisions, f.Name), ofCluster(s):
			r.decided = append(r.decided, s)
		case !slices.Contains(ofMachine, f.Name):
			unknown = errors.Join(unknown, refuse("a record may not contain the flag --%s", f.Name))
		case f.Value.Type() != "bool" || value != "false":
			r.machine = append(r.machine, s)
		}
		return nil
	})
	if err := errors.Join(err, unknown); err != nil {
		if refused := (action.RefusedError{}); !errors.As(err, &refused) {
			err = refuse("%v", err)
		}
		return nil, err
	}
	r.args, r.dash = cmd.Flags().Args(), cmd.Flags().ArgsLenAtDash()
	if err := r.check(of, run); err != nil {
		return nil, refuse("%v", err)
	}
	return r, nil
}

// check compares the arguments, and of, the value of --release, with the run, and replaces arguments that the run has
// resolved.
func (r *recalled) check(of string, run recorded) error {
	others := fmt.Errorf("its command is not about release %q", run.release)
	switch r.command {
	case "run":
		if of != run.release {
			return others
		}
		return nil
	case "install":
		// The name may have been generated.
		if len(r.args) == 0 || len(r.args) > 2 || len(r.args) == 2 && r.args[0] != run.release {
			return others
		}
		r.args = []string{run.release, r.args[len(r.args)-1]}
	case "uninstall":
		if !slices.Contains(r.args, run.release) {
			return others
		}
		r.args = []string{run.release} // each release has its own run
	default:
		if len(r.args) == 0 || r.args[0] != run.release {
			return others
		}
	}
	r.dash = 0 // the arguments are not parsed as flags
	if r.hasChart() {
		if len(r.args) != 2 {
			return errors.New("its command names no chart")
		}
		if !standsNext(r.args[1]) {
			r.machine = append([]setting{{chartFlag, r.args[1]}}, r.machine...)
		}
	}
	return nil
}

// hasChart reports whether the last argument is a chart.
func (r *recalled) hasChart() bool { return r.command == "install" || r.command == "upgrade" }

// ofCluster reports whether a setting is --tasks with documents of the cluster or the chart.
func ofCluster(s setting) bool {
	return (s.name == "tasks" || s.name == "filename") && (s.value == "chart" || strings.HasPrefix(s.value, "configmap/"))
}

// standsNext reports whether a path is in the working directory, after its symbolic links are resolved.
func standsNext(path string) bool {
	dir, err := os.Getwd()
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return false
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return false
	}
	inside, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(inside)
}

// give replaces recorded flags by those that the user has given.
func (r *recalled) give(given []setting) error {
	list := func(name string) string { // --filename and --tasks are the same flag
		if name == "filename" {
			return "tasks"
		}
		return name
	}
	for _, g := range given {
		if g.name != chartFlag && r.flags.Lookup(g.name) == nil {
			return action.Usage(fmt.Errorf("the run was started with '%s', which has no flag --%s", r.command, g.name))
		}
		same := func(s setting) bool { return list(s.name) == list(g.name) }
		r.decided, r.machine = slices.DeleteFunc(r.decided, same), slices.DeleteFunc(r.machine, same)
		if g.name != chartFlag {
			continue
		}
		if !r.hasChart() {
			return action.Usage(fmt.Errorf("--%s applies to an install or an upgrade, and the run was started with '%s'", chartFlag, r.command))
		}
		r.args[1] = g.value
	}
	return nil
}

// line returns the command line with the flags that the user has given.
func (r *recalled) line(given []setting) []string {
	line := []string{r.command}
	for _, s := range slices.Concat(r.decided, r.machine, given) {
		if s.name != chartFlag {
			line = append(line, s.String())
		}
	}
	args := slices.Clone(r.args)
	if r.dash >= 0 {
		args = slices.Insert(args, r.dash, "--")
	}
	return append(line, args...)
}

// consent asks the user to confirm the flags of a record that affect this machine. Without a terminal it returns an error.
func (a *App) consent(ctx context.Context, run string, wanted []setting) error {
	if len(wanted) == 0 {
		return nil
	}
	list, line := "", displayName()+" resume "+run
	for _, s := range wanted {
		list += shown("  %s", s) + "\n"
		if s.name != tlsFlag { // of resume, that is about the cluster
			line += " " + shown("%s", lagoon.Quote(s.String()))
		}
	}
	if a.interactive() {
		yes, err := a.person.Ask(ctx, fmt.Sprintf("The record of run %s contains flags that affect this machine, or use your access to other systems:\n%sAllow them?", shown("%s", run), list))
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case yes:
			return err
		}
	}
	return action.RefusedError{Message: fmt.Sprintf("the record of run %s contains flags that affect this machine, or use your access to other systems, and any user who can write Secrets may have written them:\n%shint: give the flags that you want on the command line: %s", run, list, line)}
}

// machineFlags adds the flags of ofMachine to resume, except for names that it already has. The function that it returns
// returns those that were given.
func (a *App) machineFlags(fs *pflag.FlagSet) func() []setting {
	fs.String(chartFlag, "", "the chart of an install or an upgrade; a recorded chart outside the working directory needs confirmation")
	for _, cmd := range []*cobra.Command{a.installCommand(mode{}), a.runCommand(mode{})} {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			switch {
			case !slices.Contains(ofMachine, f.Name) || fs.Lookup(f.Name) != nil:
			case f.Value.Type() == "bool":
				fs.BoolP(f.Name, yesShort(f), false, f.Usage)
			default:
				fs.StringArray(f.Name, nil, f.Usage)
			}
		})
	}
	return func() []setting {
		var given []setting
		fs.Visit(func(f *pflag.Flag) {
			if f.Name != chartFlag && !slices.Contains(ofMachine, f.Name) {
				return
			}
			for _, value := range texts(f) {
				given = append(given, setting{f.Name, value})
			}
		})
		return given
	}
}

// yesShort returns the shorthand of --yes. The shorthands of other flags differ between commands.
func yesShort(f *pflag.Flag) string {
	if f.Name == "yes" {
		return f.Shorthand
	}
	return ""
}

// texts returns the values of a flag.
func texts(f *pflag.Flag) []string {
	if several, ok := f.Value.(pflag.SliceValue); ok {
		return several.GetSlice()
	}
	return []string{f.Value.String()}
}
