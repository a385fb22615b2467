package plugin

import (
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	checks "github.com/kubectl-tasks/kubectl-tasks/pkg/preflight"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/approve"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// trust refuses tasks that touch this machine and come from a source that is not trusted, unless
// a flag or the user at the terminal allows them. Of a run that is gone on with these are all: its record chose
// them, and what they are given.
func (a *App) trust(ctx context.Context, t *taskFlags, p plan.Plan) error {
	if t.allowHostTasks {
		return nil
	}
	tasks := p.Tasks()
	from, hint := "tasks of a ConfigMap, a chart or a record", "when you know who writes them, add --allow-host-tasks"
	if a.resuming != nil {
		tasks = a.resuming.open(p)
		from, hint = "tasks that a record chose", "when they are what you want to run, add --allow-host-tasks"
	}
	lines := untrusted(tasks)
	if len(lines) == 0 {
		return nil
	}
	list := strings.Join(lines, "\n")
	if a.interactive() {
		yes, err := a.person.Ask(ctx, fmt.Sprintf("%s want to touch this machine:\n%s\nAllow them?", strings.ToUpper(from[:1])+from[1:], list))
		if yes || ctx.Err() != nil {
			return err
		}
	}
	return refusedError{from + " may not touch this machine:\n" + list + "\nhint: " + hint}
}

// confirm asks what the authors of tasks want to be asked.
func (a *App) confirm(ctx context.Context, t *taskFlags, tasks []task.Task) error {
	for _, one := range tasks {
		if one.Confirm == "" || one.Skip != "" || t.yes {
			continue
		}
		if !a.interactive() {
			return refusedError{shown("task %q asks: %s", one.Name, one.Confirm) + "\nhint: add --yes"}
		}
		switch yes, err := a.person.Ask(ctx, approve.Quoted(one.Confirm)); {
		case ctx.Err() != nil:
			return err
		case !yes:
			return refusedError{shown("task %q was not confirmed", one.Name)}
		}
	}
	return nil
}

// approver asks the person at the terminal, if there is one.
func (a *App) approver(t *taskFlags) approve.Runner {
	return approve.Runner{Yes: t.yes, Interactive: a.interactive(), Ask: a.person.Ask}
}

// shown formats a line with text from outside.
func shown(format string, args ...any) string {
	return string(report.Escape(fmt.Appendf(nil, format, args...)))
}

// interactive reports whether there is a person to ask.
func (a *App) interactive() bool {
	return isTerminal(a.raw.In) && isTerminal(a.raw.ErrOut) && os.Getenv("CI") == ""
}

// isTerminal reports whether a stream of the program is a terminal.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// untrusted is preflight.Untrusted for showing.
func untrusted(tasks []task.Task) []string {
	lines := checks.Untrusted(tasks)
	for i := range lines {
		lines[i] = shown("%s", lines[i])
	}
	return lines
}
