package preflight

import (
	"fmt"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Untrusted describes the tasks that run on this machine, or read its variables, and come from a source that is not
// trusted: a line for each. The lines may have characters that a terminal interprets.
func Untrusted(tasks []task.Task) []string {
	var lines []string
	for _, t := range tasks {
		if t.Source.Trusted {
			continue
		}
		executor, _ := runner.Of(t.Executor)
		var sends []string
		if executor.Sends != nil {
			sends = executor.Sends(t.Executor)
		}
		switch {
		case executor.Place == runner.OnMachine:
			lines = append(lines, fmt.Sprintf("  %s runs on this machine: %s", t.Name, t.Executor.Text()))
		case len(t.Local) > 0:
			lines = append(lines, fmt.Sprintf("  %s reads this machine's $%s: %s", t.Name, strings.Join(t.Local, ", $"), t.Executor.Text()))
		case len(sends) > 0:
			lines = append(lines, fmt.Sprintf("  %s sends this machine's $%s to a pod: %s", t.Name, strings.Join(sends, ", $"), t.Executor.Text()))
		}
	}
	return lines
}
