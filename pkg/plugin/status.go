package plugin

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
)

func (a *App) statusCommand() *cobra.Command {
	o := &pastOptions{connection: newConnection()}
	watch := false
	cmd := &cobra.Command{
		Use:   "status [RUN]",
		Short: "Show a recorded run, step by step",
		Long: `Show the progress or the result of a recorded run, step by step. Without RUN, it shows the newest run
of the namespace, or of --release.`,
		Example: `  # Show the newest run of a release
  kubectl tasks status --release web

  # Show it again after each change, until it ends
  kubectl tasks status --release web --watch`,
		Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.status(cmd.Context(), o, args, watch) },
	}
	o.addFlags(cmd, "json", "yaml")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "show the run again after each change, until it ends")
	return cmd
}

func (a *App) status(ctx context.Context, o *pastOptions, args []string, watch bool) error {
	past, err := o.open(a, "json", "yaml")
	if err != nil {
		return err
	}
	run, err := past.Choose(ctx, o.release, args, action.AnyRun)
	if err != nil {
		return err
	}
	first := true
	return past.Follow(ctx, run, watch, func(s action.Status) error {
		if !first && o.output == "" {
			fmt.Fprintln(a.Out)
		}
		first = false
		return a.showStatus(o, s)
	})
}

// showStatus writes a run, step by step.
func (a *App) showStatus(o *pastOptions, s action.Status) error {
	if o.output != "" {
		return a.printObject(o.output, s.Object())
	}
	run := s.Run
	a.print("run %s: %s of %s in namespace %q, %s", run.ID, run.Operation, action.Title(run.Release), run.Namespace, s.State)
	a.print("by %s, started at %s", run.Owner, run.Start.Format(time.RFC3339))
	table := tabwriter.NewWriter(a.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "STEP\tPHASE\tSTATUS\tTOOK\tWHERE\tMESSAGE")
	for _, step := range s.Steps {
		last := "-"
		if step.Start != nil && step.End != nil {
			last = took(*step.Start, *step.End)
		}
		message, _, _ := strings.Cut(step.Message, "\n")
		fmt.Fprintln(table, shown("%s\t%s\t%s\t%s\t%s\t%s", step.Title, dash(string(step.Phase)), step.State, last, dash(strings.Join(step.Where, ",")), message))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if s.Hint != "" {
		a.say("%s", s.Hint)
	}
	return nil
}
