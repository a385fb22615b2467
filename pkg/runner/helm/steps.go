package helm

import (
	"context"
	"errors"
	"fmt"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Reason is the Reason of a step of Helm's that failed. Its message is Helm's own error; see Steps.Err.
const Reason = "Helm"

// Process is the part of Helm that steps control while Apply runs; *release.Helm is one.
type Process interface {
	// Pause makes Helm stop after it has applied the manifests, until Continue or StopWaiting.
	Pause()
	// Applied is closed when Helm has applied the manifests.
	Applied() <-chan struct{}
	// Continue ends the pause.
	Continue()
	// StopWaiting ends the pause and every wait of Helm's with an error.
	StopWaiting(cause error)
}

// Steps runs Helm's steps of one run: Apply or Delete, Finish and RollBack. Its zero value has no change to
// make. Apply runs in a goroutine of its own; Close waits for its end.
type Steps struct {
	Process Process
	// Apply makes the change, such as an upgrade, and returns Helm's error.
	Apply func() error
	// Revert undoes the change, and returns what it did, for the user.
	Revert func() (string, error)
	// TasksInParallel reports that tasks run while Helm may still wait for objects, so that the plan has a step
	// Finish.
	TasksInParallel bool
	// AlreadyApplied reports that an earlier process of the run has made the change, Interrupted that one has
	// started it.
	AlreadyApplied, Interrupted bool

	// done is closed when Apply has returned, and err is what it returned.
	done chan struct{}
	err  error
	// reverted is what Revert did.
	reverted string
}

// Run runs a step of Helm's; see engine.Runner.
func (s *Steps) Run(ctx context.Context, a engine.Attempt) task.Result {
	switch a.Kind {
	case plan.Apply, plan.Delete:
		return s.apply(ctx)
	case plan.Finish:
		return s.finish(ctx, a.OthersDone)
	case plan.RollBack:
		return s.rollBack()
	case plan.Ready, plan.Object, plan.Task:
	}
	return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("no runner for step %s", a.ID)}
}

// Close waits until Apply has returned, at the end of a run. Helm's waits end with an error then.
func (s *Steps) Close() {
	if s.done == nil || s.Returned() {
		return
	}
	s.Process.StopWaiting(errors.New("the run has ended"))
	<-s.done
}

// Returned reports whether this process has called Apply and it has returned.
func (s *Steps) Returned() bool {
	if s.done == nil {
		return false
	}
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// Err returns the error of Apply; nil when it has not been called. It is to be called after Close.
func (s *Steps) Err() error { return s.err }

// Reverted returns what the step RollBack did, for the user; empty when it did not run, or Helm had nothing to
// undo.
func (s *Steps) Reverted() string { return s.reverted }

// apply returns when Helm has applied the manifests. With tasks in parallel Helm then pauses, and finish waits
// for its end; otherwise apply returns at the end of Helm's work.
func (s *Steps) apply(ctx context.Context) task.Result {
	if s.AlreadyApplied {
		return task.Result{State: task.Succeeded}
	}
	s.done = make(chan struct{})
	if s.TasksInParallel {
		s.Process.Pause()
	}
	go func() {
		defer close(s.done)
		s.err = s.Apply()
	}()
	if !s.TasksInParallel {
		return s.result(ctx)
	}
	select {
	case <-s.done:
		return s.result(ctx)
	case <-s.Process.Applied():
		return task.Result{State: task.Succeeded}
	}
}

// finish waits until Helm's work has ended. When all tasks in parallel have succeeded, othersDone is closed, and Helm
// continues to its end. When something failed, ctx is cancelled: Helm's wait ends, and Helm records that the
// release failed.
func (s *Steps) finish(ctx context.Context, othersDone <-chan struct{}) task.Result {
	if s.AlreadyApplied {
		return task.Result{State: task.Succeeded}
	}
	select {
	case <-s.done:
	case <-ctx.Done():
	case <-othersDone:
		if ctx.Err() == nil {
			s.Process.Continue()
		}
	}
	select {
	case <-s.done:
	case <-ctx.Done():
		s.Process.StopWaiting(context.Cause(ctx))
	}
	return s.result(ctx)
}

// ReasonNotApplied is the Reason of a step RollBack that had nothing to undo.
const ReasonNotApplied = "NotApplied"

var nothingApplied = task.Result{State: task.Skipped, Reason: ReasonNotApplied, Message: "Helm has changed nothing"}

// rollBack undoes the change, if Helm has made one and has not undone it itself.
func (s *Steps) rollBack() task.Result {
	if s.done == nil && !s.AlreadyApplied && !s.Interrupted {
		return nothingApplied
	}
	s.Close()
	var err error
	if s.reverted, err = s.Revert(); err != nil {
		return task.Result{State: task.Failed, Reason: "Rollback", Message: err.Error()}
	}
	if s.reverted == "" {
		return nothingApplied
	}
	return task.Result{State: task.Succeeded, Message: s.reverted}
}

// result waits until Apply has returned, and returns its result.
func (s *Steps) result(ctx context.Context) task.Result {
	<-s.done
	switch {
	case s.err == nil:
		return task.Result{State: task.Succeeded}
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: s.err.Error()}
	}
	return task.Result{State: task.Failed, Reason: Reason, Message: s.err.Error()}
}
