package draft

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// shellSyntax are patterns of shell syntax in commands. Draft passes them to the program unchanged.
var shellSyntax = []struct {
	pattern *regexp.Regexp
	what    string
}{
	{regexp.MustCompile(`["']`), "quotes are passed literally, and a space inside them still splits"},
	{regexp.MustCompile(`&&|\|\|`), `"&&" and "||" are passed literally`},
	{regexp.MustCompile(`(^|[^|])\|([^|]|$)`), `"|" is passed literally`},
	{regexp.MustCompile(`[<>]`), `"<" and ">" are passed literally`},
	{regexp.MustCompile(`;( |$)`), `";" is passed literally`},
	{regexp.MustCompile("`|\\$\\("), "commands within the command are passed literally"},
	{regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`), "${NAME} is passed literally; only $NAME is expanded"},
	{regexp.MustCompile(`(^|[ /])[^ =]*\*`), `"*" is passed literally`},
}

// lint returns the warnings about one command.
func (p *parser) lint(t table, name, command string, at task.Position) task.Diagnostics {
	var found task.Diagnostics
	warn := func(message, hint string) {
		found = append(found, task.Diagnostic{Position: at, Severity: task.Warning, Task: name, Message: message, Hint: hint})
	}
	if !p.opts.Shell {
		for _, s := range shellSyntax {
			if s.pattern.MatchString(command) {
				warn("Draft runs commands without a shell: "+s.what, "--draft-shell runs the file's commands through sh -c")
			}
		}
		if strings.Contains(strings.TrimRight(command, " "), "  ") || strings.HasSuffix(command, " ") {
			warn("two spaces, or one at the end, make an empty argument", "write single spaces")
		}
		for _, argument := range split(command) {
			_, names := expand(argument, p.opts.Getenv)
			for _, n := range names {
				if _, set := p.opts.Getenv(n); !set {
					warn(fmt.Sprintf("$%s is not set: it becomes empty", n), fmt.Sprintf("set %s, or write $$%s for the literal text", n, n))
				}
			}
		}
	}
	program, _, _ := strings.Cut(command, " ")
	switch {
	case t.inPods && (program == "helm" || program == "kubectl"):
		warn(fmt.Sprintf("[%s] runs in the pods: %s must exist there, not on this machine", t.name, program),
			"for a command of this machine use [post-up]")
	case program == "helm":
		if message, today := lintHelm2(strings.Fields(command)); message != "" {
			warn(message, today)
		}
	}
	return found
}
