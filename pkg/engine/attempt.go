package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// ReasonTimeout is the Reason of the result of a step that a time limit ended.
const ReasonTimeout = "Timeout"

// reasonOutput is the Reason of a task that did not give the outputs it should.
const reasonOutput = "Output"

// limit is the cause of a context that a time limit ended.
type limit struct{ message string }

// Error names the limit.
func (l limit) Error() string { return l.message }

// attempts runs a step under its task's policy: with its time limits, and again after a failure
// as often as it says. An end that nobody saw is followed by another attempt only when the task
// may run twice. The steps that are not tasks have one attempt, and limits of their own.
func attempts(ctx context.Context, runner Runner, s plan.Step, sink task.Sink, masks *masker, retried func(StepRetried)) task.Result {
	if s.Task == nil {
		return runner.Run(ctx, s, sink)
	}
	if s.Task.Skip != "" {
		return task.Result{State: task.Skipped, Reason: "Condition", Message: s.Task.Skip}
	}
	policy := s.Task.Policy
	total, cancel := withLimit(ctx, policy.TotalTimeout, "timed out after %s, all attempts together")
	defer cancel()
	pause := policy.Backoff
	if pause == 0 {
		pause = task.DefaultBackoff
	}
	for n := 1; ; n++ {
		result := attempt(total, runner, s, sink, masks)
		result.Attempts = n
		again := result.State == task.Failed && !anyUnknown(result) || policy.Idempotent && (result.State == task.Unknown || result.State == task.Failed)
		if !again || n > policy.Retries || total.Err() != nil {
			return result
		}
		retried(StepRetried{Step: s, Result: result, Attempt: n, Pause: pause})
		select {
		case <-total.Done():
			return result
		case <-time.After(pause):
		}
		pause = min(2*pause, task.MaxBackoff)
	}
}

// anyUnknown reports whether the end in one of the task's places was not seen.
func anyUnknown(r task.Result) bool {
	return slices.ContainsFunc(r.Targets, func(t task.Target) bool { return t.State == task.Unknown })
}

// attempt runs a step once. What a limit cancelled, and is known to have stopped, has failed.
// A success without the outputs that it should have is a failure.
func attempt(ctx context.Context, runner Runner, s plan.Step, sink task.Sink, masks *masker) task.Result {
	captured, err := newCapture(s.Task, masks)
	if err != nil {
		return task.Result{State: task.Failed, Reason: reasonOutput, Message: err.Error()}
	}
	sink = captured.sink(sink)
	limited, cancel := withLimit(ctx, s.Task.Timeout, "timed out after %s")
	defer cancel()
	if idle := s.Task.IdleTimeout; idle > 0 {
		var silent context.CancelCauseFunc
		limited, silent = context.WithCancelCause(limited)
		defer silent(nil)
		timer := time.AfterFunc(idle, func() { silent(limit{fmt.Sprintf("printed nothing for %s", idle)}) })
		defer timer.Stop()
		printed := sink
		sink = func(o task.Output) { timer.Reset(idle); printed(o) }
	}
	result := runner.Run(limited, s, sink)
	if result.State == task.Succeeded {
		if result.Outputs, err = captured.outputs(result.Files, result.Outputs); err != nil {
			result.State, result.Reason, result.Message = task.Failed, reasonOutput, err.Error()
		}
	}
	if l, ok := context.Cause(limited).(limit); ok && result.State == task.Cancelled { //nolint:errorlint // the cause is what we set
		result.State, result.Reason, result.Message = task.Failed, ReasonTimeout, l.message
	}
	return result
}

// withLimit is context.WithTimeoutCause; 0 is no limit.
func withLimit(ctx context.Context, d time.Duration, message string) (context.Context, context.CancelFunc) {
	if d == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, d, limit{fmt.Sprintf(message, d)})
}
