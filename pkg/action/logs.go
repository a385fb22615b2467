package action

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
)

// ChooseLogs returns the run and the steps that the arguments name. The first argument is a run or, if no run has that
// name, a step of the newest run of the release.
func (p *Past) ChooseLogs(ctx context.Context, name string, args []string) (*record.Stored, []string, error) {
	var run *record.Stored
	var err error
	if len(args) > 0 {
		if run, err = p.Runs.Get(ctx, args[0]); err == nil {
			args = args[1:]
		}
	}
	if run == nil && (err == nil || errors.Is(err, record.ErrNoRun)) {
		run, err = p.Newest(ctx, name, AnyRun)
	}
	if usage := (UsageError{}); errors.As(err, &usage) {
		return nil, nil, err
	}
	if err != nil {
		return nil, nil, &release.PreflightError{Err: err}
	}
	return run, args, CheckSteps(run, args)
}

// StepLog is the output of the task of a step.
type StepLog struct {
	Step string
	Text []byte
	// Missing is the reason why Text is empty.
	Missing string
}

// Logs calls each with the log of each named step of a run, in the order of the plan; of all steps when names is empty.
// Of these, steps that printed nothing are left out. It stops at the first error.
func Logs(run *record.Stored, names []string, each func(StepLog) error) error {
	for _, s := range run.Steps {
		named := slices.Contains(names, s.ID)
		if len(names) > 0 && !named {
			continue
		}
		text, err := run.Log(s.ID)
		if err != nil {
			return err
		}
		l := StepLog{Step: s.ID, Text: text}
		if len(text) == 0 {
			if !named && !slices.Contains(run.DroppedLogs, s.ID) {
				continue
			}
			l.Missing = missingLog(run, s)
		}
		if err := each(l); err != nil {
			return err
		}
	}
	return nil
}

// missingLog returns the reason why a step has no log.
func missingLog(run *record.Stored, s record.Step) string {
	switch {
	case !s.Started():
		return "it did not run"
	case s.State == "" && len(s.Created) > 0 && s.Created[0].Kind == "Pod":
		return fmt.Sprintf("its result is not recorded; see 'kubectl logs %s -n %s'", s.Created[0].Name, s.Created[0].Namespace)
	case s.State == "":
		return "its result is not recorded"
	case slices.Contains(run.DroppedLogs, s.ID):
		return "the record has no room for its output"
	}
	return "it has no output"
}
