package plugin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func (a *App) historyCommand() *cobra.Command {
	o := &pastOptions{connection: newConnection()}
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List recorded runs",
		Long: `List the recorded runs of the namespace, or of --release, the oldest first. The status of an
unfinished run is Running while its process renews the lock, and Died otherwise.`,
		Example: `  # List all runs of the namespace
  kubectl tasks history

  # List the runs of a release as JSON
  kubectl tasks history --release web -o json`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.history(cmd.Context(), o) },
	}
	o.addFlags(cmd, historyFormats...)
	return cmd
}

var historyFormats = []string{"name", "json", "yaml"}

func (a *App) history(ctx context.Context, o *pastOptions) error {
	past, err := o.open(a, historyFormats...)
	if err != nil {
		return err
	}
	reduce := action.States
	if o.output == "json" || o.output == "yaml" {
		reduce = nil
	}
	entries, err := past.List(ctx, o.release, reduce)
	if err != nil {
		return err
	}
	runs := make([]*report.Run, len(entries))
	for i, e := range entries {
		runs[i] = e.Object()
	}
	switch o.output {
	case "json", "yaml":
		return a.printObject(o.output, map[string]any{"apiVersion": "kubectl-tasks.io/v1alpha1", "kind": "RunList", "items": runs})
	case "name":
		for _, run := range runs {
			a.print("%s", run.ID)
		}
		return nil
	}
	if len(runs) == 0 {
		of := ""
		if o.release != "" {
			of = fmt.Sprintf(" of release %q", o.release)
		}
		a.say("no recorded runs%s in namespace %q", of, past.Locks.Namespace)
		return nil
	}
	table := tabwriter.NewWriter(a.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "RUN\tOPERATION\tRELEASE\tREVISION\tSTATUS\tSTARTED\tTOOK\tTASKS")
	for _, run := range runs {
		fmt.Fprintln(table, shown("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", run.ID, run.Operation, dash(run.Release), number(run.Revision), run.Status,
			run.StartTime.Format(time.RFC3339), took(run.StartTime, run.EndTime), tally(run.Tasks)))
	}
	return table.Flush()
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func number(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func took(start, end time.Time) string {
	if start.IsZero() || end.IsZero() {
		return "-"
	}
	return end.Sub(start).Round(100 * time.Millisecond).String()
}

// tally returns the number of tasks in each state, as "2 Succeeded, 1 Failed".
func tally(tasks []report.RunTask) string {
	var (
		order []task.State
		count = map[task.State]int{}
	)
	for _, t := range tasks {
		if count[t.Status]++; !slices.Contains(order, t.Status) {
			order = append(order, t.Status)
		}
	}
	parts := make([]string, len(order))
	for i, state := range order {
		parts[i] = fmt.Sprintf("%d %s", count[state], state)
	}
	return dash(strings.Join(parts, ", "))
}
