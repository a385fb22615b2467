package plugin

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
)

func (a *App) cancelCommand() *cobra.Command {
	o := &pastOptions{connection: newConnection()}
	wait := time.Minute
	cmd := &cobra.Command{
		Use:   "cancel [RUN]",
		Short: "Stop a run on this or another machine",
		Long: `Stop a run on this or another machine. The run stops as after Ctrl-C, and deletes the pods and Jobs
that it created. If the run died, this command deletes them, and records the run as cancelled.
Without RUN, it stops the newest unfinished run of the namespace, or of --release.`,
		Example: `  # Stop the run of a release
  kubectl tasks cancel --release web`,
		Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.cancelRun(cmd.Context(), o, args, wait) },
	}
	o.addFlags(cmd)
	cmd.Flags().DurationVar(&wait, "timeout", wait, "how long to wait for the run to stop")
	return cmd
}

func (a *App) cancelRun(ctx context.Context, o *pastOptions, args []string, wait time.Duration) error {
	past, err := o.open(a)
	if err != nil {
		return err
	}
	run, err := past.Choose(ctx, o.release, args, action.Stoppable)
	if err != nil {
		return err
	}
	if run.Finished() {
		a.say("run %s has already ended: %s", run.ID, run.Status)
		return nil
	}
	state, err := past.Cancel(ctx, run, wait)
	if err != nil {
		return err
	}
	a.print("run %s: %s", run.ID, state)
	return nil
}
