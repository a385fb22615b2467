package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
)

func (a *App) logsCommand() *cobra.Command {
	o := &pastOptions{connection: newConnection()}
	cmd := &cobra.Command{
		Use:   "logs [RUN] [TASK...]",
		Short: "Show what the tasks of a recorded run have printed",
		Long: `Show what the tasks of a recorded run have printed, also when their pods are long gone: up to
64 KiB of each task, its beginning and its end, without its secrets. The first argument is a run
or, when there is none of that name, a task of the newest run.`,
		Example: `  # The newest run of a release
  kubectl tasks logs --release web

  # One task of a certain run
  kubectl tasks logs 20260102-150405-a1b2c3 migrate`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.logs(cmd.Context(), o, args) },
	}
	o.addFlags(cmd)
	return cmd
}

func (a *App) logs(ctx context.Context, o *pastOptions, args []string) error {
	runs, locks, err := o.open(a)
	if err != nil {
		return err
	}
	var run *record.Stored
	if len(args) > 0 {
		run, err = runs.Get(ctx, args[0])
		if err == nil {
			args = args[1:]
		}
	}
	if run == nil && (err == nil || errors.Is(err, record.ErrNoRun)) {
		run, err = o.choose(ctx, a, runs, locks.Namespace, nil, anyRun)
	}
	if usage := (usageError{}); errors.As(err, &usage) {
		return err
	}
	if err != nil {
		return &release.PreflightError{Err: err}
	}
	if err := checkSteps(run, args); err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, name := range args {
		wanted[name] = true
	}
	out := &dataWriter{to: a.Out}
	if len(wanted) == 1 { // as its program would have printed it
		out.to = a.data(a.raw.Out, false)
	}
	shownAny := false
	for _, s := range run.Steps {
		if len(wanted) > 0 && !wanted[s.ID] {
			continue
		}
		text, err := run.Log(s.ID)
		if err != nil {
			return err
		}
		if len(text) == 0 {
			if wanted[s.ID] || slices.Contains(run.DroppedLogs, s.ID) {
				a.say("task %q: %s", s.ID, why(run, s))
			}
			continue
		}
		if len(wanted) != 1 {
			a.print("==> %s <==", s.ID)
		}
		if _, err := out.Write(text); err != nil {
			return err
		}
		shownAny = true
	}
	if !shownAny && len(wanted) == 0 {
		a.say("the tasks of run %s have printed nothing", run.ID)
	}
	return nil
}

// why says why there is no log of a step.
func why(run *record.Stored, s record.Step) string {
	switch {
	case !s.Started():
		return "it has not run"
	case s.State == "" && len(s.Created) > 0 && s.Created[0].Kind == "Pod":
		return fmt.Sprintf("its end is not recorded; see 'kubectl logs %s -n %s'", s.Created[0].Name, s.Created[0].Namespace)
	case s.State == "":
		return "its end is not recorded"
	case slices.Contains(run.DroppedLogs, s.ID):
		return "the record has no room for what it printed"
	}
	return "it has printed nothing"
}
