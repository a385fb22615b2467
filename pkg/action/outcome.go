package action

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/helm"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// outcome returns the error for the result of a run; nil if it succeeded. applyError is the error of Helm's part,
// and lockLost reports that another process has taken a lock of the run.
func outcome(ctx context.Context, result engine.Result, applyError error, lockLost bool) error {
	state := result.State()
	stolen := func(s engine.StepResult) bool { return s.Reason == engine.ReasonNotRecorded && s.State == task.Failed }
	if lost := errors.Is(context.Cause(ctx), lock.ErrLost); state != task.Succeeded && (lost || lockLost && slices.ContainsFunc(result.Steps, stolen)) {
		return RunError{ExitLocked, fmt.Errorf("another process has taken the run's lock, or the lock was deleted: no further step was started%s", unknownPart(result))}
	}
	if by, ok := errors.AsType[cancelledBy](context.Cause(ctx)); ok && state != task.Succeeded {
		return RunError{ExitSIGTERM, fmt.Errorf("%w%s", by, unknownPart(result))}
	}
	if code, ok := interruption(ctx); ok && state != task.Succeeded {
		return RunError{code, fmt.Errorf("%w%s", context.Cause(ctx), unknownPart(result))}
	}
	switch state {
	case task.Succeeded:
		return nil
	case task.Unknown:
		return RunError{ExitUnknown, summary(result, task.Unknown)}
	case task.Failed, task.Cancelled, task.Skipped, task.NotRun:
	}
	code := failureCode(result, applyError)
	if slices.ContainsFunc(result.Steps, func(s engine.StepResult) bool { return failed(s) && s.Reason == helm.Reason }) {
		return RunError{code, applyError} // Helm's own message
	}
	return RunError{code, summary(result, task.Failed)}
}

// rolledBack adds the result of the rollback to the error of a run that was rolled back.
func rolledBack(result engine.Result, how string, end error) error {
	bad := func(s engine.StepResult) bool { return atRollback(s) && !s.State.Good() }
	switch {
	case !triedRollback(result) || end == nil:
		return end
	case slices.ContainsFunc(result.Steps, bad):
		return RunError{ExitNotRolledBack, fmt.Errorf("%w; it could not be rolled back", end)}
	case how == "":
		how = "completed tasks were undone, and Helm had changed nothing"
	}
	return RunError{ExitRolledBack, fmt.Errorf("%w; %s", end, how)}
}

// atRollback reports whether a step is an undo or a rollback that had something to revert, and that was reached.
func atRollback(s engine.StepResult) bool {
	return s.Step.Stage == task.AtRollback && s.Reason != engine.ReasonNotNeeded && s.Reason != helm.ReasonNotApplied
}

// triedRollback reports whether the run tried to roll back.
func triedRollback(result engine.Result) bool { return slices.ContainsFunc(result.Steps, atRollback) }

// summary returns the steps that ended in that state, with their messages, as one line.
func summary(result engine.Result, state task.State) error {
	var parts []string
	for _, s := range result.Steps {
		if s.State != state || s.Tolerated() {
			continue
		}
		part := s.Step.Title()
		if s.Step.Task != nil {
			part = fmt.Sprintf("task %q", s.Step.ID)
		}
		message := s.Message
		if message == "" {
			message = strings.ToLower(string(state))
		}
		if !strings.Contains(message, part+":") { // otherwise the message itself names the task
			message = part + ": " + message
		}
		parts = append(parts, shown("%s", message))
	}
	return errors.New(strings.Join(parts, "; "))
}

// unknownPart returns the steps with an unknown result, after an interruption.
func unknownPart(result engine.Result) string {
	for _, s := range result.Steps {
		if s.State == task.Unknown {
			return "; " + summary(result, task.Unknown).Error()
		}
	}
	return ""
}
