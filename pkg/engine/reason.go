package engine

import (
	"context"
	"fmt"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// ReasonNotNeeded is the Reason of steps for a case that did not occur, such as a failure.
const ReasonNotNeeded = "NotNeeded"

func notRun(s plan.Step, why string) StepResult {
	return StepResult{Step: s, Result: task.Result{State: task.NotRun, Reason: "NotRun", Message: why}}
}

// notRunReason returns the message of a step that did not run: a step that it needs did not succeed, or the run was
// cancelled, or the first failure has stopped the run.
func (r *run) notRunReason(ctx context.Context, s plan.Step) string {
	because, cancelled := r.firstFailed, ctx.Err() != nil && r.cancelled
	if blocking := r.blocking(s, map[string]bool{}); blocking != nil {
		because, cancelled = blocking.Step.Title(), cancelled && blocking.State == task.Cancelled
	}
	switch {
	case cancelled, because == "" && ctx.Err() != nil:
		return "not run because the run was cancelled"
	case because == "":
		return fmt.Sprintf("not run: %v did not succeed", s.Needs)
	}
	return fmt.Sprintf("not run because %q did not succeed", because)
}

// blocking returns the result of the step that keeps s from running: a step that s needs directly or indirectly; nil when
// there is none.
func (r *run) blocking(s plan.Step, seen map[string]bool) *StepResult {
	for _, need := range s.Needs {
		i, ok := r.place[need]
		if !ok || seen[need] {
			continue
		}
		seen[need] = true
		switch end := &r.results[i]; {
		case !r.done[i] || end.State == task.NotRun:
			if blocking := r.blocking(r.plan.Steps[i], seen); blocking != nil {
				return blocking
			}
		case !end.State.Good() && !end.Tolerated():
			return end
		}
	}
	return nil
}
