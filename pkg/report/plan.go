package report

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
)

// Plan writes the steps of a plan as a numbered table, each task in its place.
func Plan(w io.Writer, p plan.Plan) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, s := range p.Steps {
		executor, command := "helm", ""
		switch {
		case s.Task != nil:
			executor, command = s.Task.Executor.Kind(), s.Task.Executor.Text()
		case s.Kind == plan.Ready, s.Kind == plan.Object:
			executor = "wait"
		}
		line := fmt.Sprintf("%3d.\t%s\t%s", i+1, Escape([]byte(s.Title())), executor)
		if command != "" {
			line += "\t" + string(Escape([]byte(command)))
		}
		fmt.Fprintln(table, line)
	}
	return table.Flush()
}
