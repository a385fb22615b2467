package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/mask"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// ReasonTimeout is the Reason of a step that reached a time limit.
const ReasonTimeout = "Timeout"

// reasonOutput is the Reason of a task that did not provide its outputs.
const reasonOutput = "Output"

// ReasonNotRecorded is the Reason of a step that did not start because the journal could not record it.
const ReasonNotRecorded = "NotRecorded"

// limit is the cause of a context that a time limit ended.
type limit struct{ message string }

// Error returns the message of the limit.
func (l limit) Error() string { return l.message }

// Attempt is one try of a step.
type Attempt struct {
	plan.Step

	// Number counts the attempts of the step from 1, across all processes of the run.
	Number int
	// Resumed reports that an earlier process started this attempt and its end is unknown: the runner reattaches to
	// existing objects and starts nothing that may have run already.
	Resumed bool
	// OthersDone is for a step of kind Finish. It is closed when no other step of Helm's part runs or can start. When one
	// of them has failed, the step's context ends instead.
	OthersDone <-chan struct{}

	masks *mask.Secrets
}

// Mask hides the values of Secrets that the attempt uses in everything that is shown and recorded from now on. Values of
// less than six bytes and binary values are not hidden.
func (a Attempt) Mask(values []string) {
	if a.masks != nil {
		a.masks.AddValues(values)
	}
}

// attempts executes a step under the policy of its task.
type attempts struct {
	runner     Runner
	othersDone <-chan struct{}
	// journal may be nil.
	journal Journal
	sink    task.Sink
	// masks has all secrets, marked those that tasks mark as secret. A secret that is added to marked is in both.
	masks, marked *mask.Secrets

	retried func(StepRetried)
	// warn shows a problem that does not change the result.
	warn func(text string)
}

// run tries a step under its task's policy: with its time limits, and with its retries after a failure. An attempt whose
// result is unknown is retried only when the task is idempotent. Steps that are not tasks have one attempt and limits of
// their own.
func (t attempts) run(ctx context.Context, s plan.Step, prior Prior) task.Result {
	a := prior.nextAttempt(s)
	if s.Task == nil {
		a.OthersDone = t.othersDone
		if err := t.before(ctx, a); err != nil {
			return notRecorded(ctx, err)
		}
		return t.runner.Run(ctx, a, t.sink)
	}
	policy := s.Task.Policy
	total, cancel := withLimit(ctx, policy.TotalTimeout, "timed out after %s in total, over all attempts")
	defer cancel()
	pause := policy.Backoff
	if pause == 0 {
		pause = task.DefaultBackoff
	}
	for last := a.Number + policy.Retries; ; a = (Attempt{Step: s, Number: a.Number + 1}) {
		if err := t.before(total, a); err != nil {
			return notRecorded(total, err)
		}
		result := t.attempt(total, a)
		result.Attempts = a.Number
		if a.Resumed && policy.Idempotent && result.State == task.Unknown {
			last++ // the attempt may have succeeded: it does not count as a retry
		}
		again := result.State == task.Failed && !anyUnknown(result) || policy.Idempotent && (result.State == task.Unknown || result.State == task.Failed)
		if !again || a.Number >= last || total.Err() != nil {
			return result
		}
		if t.journal != nil {
			shown := result
			shown.Message = t.masks.Text(shown.Message)
			if err := t.journal.Retried(a, shown); err != nil {
				t.warn(fmt.Sprintf("the result of attempt %d is not recorded: %v", a.Number, err))
			}
		}
		result.Tidy()
		t.retried(StepRetried{Step: s, Result: result, Attempt: a.Number, Pause: pause})
		select {
		case <-total.Done():
			return result
		case <-time.After(pause):
		}
		pause = min(2*pause, task.MaxBackoff)
	}
}

// before lets the journal record an attempt that is about to start. A resumed attempt is recorded already.
func (t attempts) before(ctx context.Context, a Attempt) error {
	if t.journal == nil || a.Resumed {
		return nil
	}
	return t.journal.Before(ctx, a)
}

// notRecorded is the result of an attempt that did not start, because the journal could not record it or because ctx
// ended while it tried.
func notRecorded(ctx context.Context, err error) task.Result {
	if cause := context.Cause(ctx); cause != nil {
		result := task.Result{State: task.Cancelled, Reason: ReasonNotRecorded, Message: fmt.Sprintf("%v; the attempt had not started: %v", cause, err)}
		if l, ok := cause.(limit); ok { //nolint:errorlint // the cause is what we set
			result.State, result.Reason, result.Message = task.Failed, ReasonTimeout, fmt.Sprintf("%s; the attempt had not started: %v", l.message, err)
		}
		return result
	}
	return task.Result{State: task.Failed, Reason: ReasonNotRecorded, Message: err.Error()}
}

// anyUnknown reports whether the result of one of the task's targets is unknown.
func anyUnknown(r task.Result) bool {
	return slices.ContainsFunc(r.Targets, func(t task.Target) bool { return t.State == task.Unknown })
}

// attempt makes one attempt. An attempt that a limit cancelled, and that is known to have stopped, has failed. So has a
// success without the declared outputs.
func (t attempts) attempt(ctx context.Context, a Attempt) task.Result {
	a.masks = t.masks
	captured, err := newCapture(a.Task, t.marked)
	if err != nil {
		return task.Result{State: task.Failed, Reason: reasonOutput, Message: err.Error()}
	}
	sink := captured.sink(t.sink)
	limited, cancel := withLimit(ctx, a.Task.Timeout, "timed out after %s")
	defer cancel()
	if idle := a.Task.IdleTimeout; idle > 0 {
		var silent context.CancelCauseFunc
		limited, silent = context.WithCancelCause(limited)
		defer silent(nil)
		timer := time.AfterFunc(idle, func() { silent(limit{fmt.Sprintf("printed nothing for %s", idle)}) })
		defer timer.Stop()
		printed := sink
		sink = func(o task.Output) { timer.Reset(idle); printed(o) }
	}
	result := t.runner.Run(limited, a, sink)
	if result.State == task.Succeeded {
		if result.Outputs, err = captured.outputs(result.Files, result.Outputs); err != nil {
			result.State, result.Reason, result.Message = task.Failed, reasonOutput, err.Error()
		}
	}
	for name, o := range result.Outputs {
		if t.masks.Reveals(o.Value) { // a value that contains a secret is a secret
			result.Outputs[name] = task.Value{Value: o.Value, Secret: true}
		}
	}
	if l, ok := context.Cause(limited).(limit); ok && result.State == task.Cancelled { //nolint:errorlint // the cause is what we set
		result.State, result.Reason = task.Failed, ReasonTimeout
		if !strings.HasPrefix(result.Message, l.message) { // otherwise the message of the runner says more
			result.Message = l.message
		}
	}
	return result
}

// withLimit is context.WithTimeoutCause; 0 means no limit.
func withLimit(ctx context.Context, d time.Duration, message string) (context.Context, context.CancelFunc) {
	if d == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, d, limit{fmt.Sprintf(message, d)})
}
