package plugin

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
)

func (a *App) logsCommand() *cobra.Command {
	o := &pastOptions{connection: newConnection()}
	cmd := &cobra.Command{
		Use:   "logs [RUN] [TASK...]",
		Short: "Print the output of the tasks of a recorded run",
		Long: `Print the output of the tasks of a recorded run, also after their pods are deleted. The record has up
to 64 KiB of each task, its beginning and its end, with secrets masked. The first argument is a run or,
if no run has that name, a task of the newest run.`,
		Example: `  # Print the output of the newest run of a release
  kubectl tasks logs --release web

  # Print the output of one task of a run
  kubectl tasks logs 20260102-150405-a1b2c3 migrate`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.logs(cmd.Context(), o, args) },
	}
	o.addFlags(cmd)
	return cmd
}

func (a *App) logs(ctx context.Context, o *pastOptions, args []string) error {
	past, err := o.open(a)
	if err != nil {
		return err
	}
	run, names, err := past.ChooseLogs(ctx, o.release, args)
	if err != nil {
		return err
	}
	slices.Sort(names)
	names = slices.Compact(names)
	out := &dataWriter{to: a.Out}
	if len(names) == 1 { // exactly as the program printed it
		out.to = a.data(a.raw.Out, false)
	}
	shownAny := false
	err = action.Logs(run, names, func(l action.StepLog) error {
		if len(l.Text) == 0 {
			a.say("task %q: %s", l.Step, l.Missing)
			return nil
		}
		shownAny = true
		if len(names) != 1 {
			a.print("==> %s <==", l.Step)
		}
		_, err := out.Write(l.Text)
		return err
	})
	if err == nil && !shownAny && len(names) == 0 {
		a.say("the tasks of run %s have no output", run.ID)
	}
	return err
}
