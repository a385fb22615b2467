package helm

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// process is a fake Helm that applies the manifests after a second, then waits for objects for another one.
type process struct {
	pauses           bool
	applied, proceed chan struct{}
	stopped          chan error
	// fails is the error of the manifests.
	fails error
}

func newProcess(fails error) *process {
	return &process{applied: make(chan struct{}), proceed: make(chan struct{}), stopped: make(chan error, 1), fails: fails}
}

func (p *process) Pause()                   { p.pauses = true }
func (p *process) Applied() <-chan struct{} { return p.applied }
func (p *process) Continue()                { close(p.proceed) }
func (p *process) StopWaiting(cause error)  { p.stopped <- cause }

func (p *process) apply() error {
	<-time.After(time.Second)
	if p.fails != nil {
		return p.fails
	}
	close(p.applied)
	if p.pauses {
		select {
		case <-p.proceed:
		case err := <-p.stopped:
			return err
		}
	}
	select {
	case <-time.After(time.Second):
		return nil
	case err := <-p.stopped:
		return err
	}
}

func attempt(kind plan.Kind, others <-chan struct{}) engine.Attempt {
	return engine.Attempt{Step: plan.Step{ID: string(kind), Kind: kind}, Number: 1, OthersDone: others}
}

// TestApply: without tasks in parallel the step ends with Helm, otherwise when the manifests are applied.
func TestApply(t *testing.T) {
	refused := errors.New("refused")
	for _, tt := range []struct {
		name     string
		parallel bool
		fails    error
		took     time.Duration
		want     task.Result
		// returned reports that Apply has returned at the end of the step.
		returned bool
	}{
		{"alone", false, nil, 2 * time.Second, task.Result{State: task.Succeeded}, true},
		{"it fails", false, refused, time.Second, task.Result{State: task.Failed, Reason: Reason, Message: "refused"}, true},
		{"with tasks in parallel", true, nil, time.Second, task.Result{State: task.Succeeded}, false},
		{"it fails before them", true, refused, time.Second, task.Result{State: task.Failed, Reason: Reason, Message: "refused"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProcess(tt.fails)
				s := &Steps{Process: p, Apply: p.apply, TasksInParallel: tt.parallel}
				if s.Returned() {
					t.Error("it has returned before it was called")
				}
				start := time.Now()
				got := s.Run(t.Context(), attempt(plan.Apply, nil))
				if got.State != tt.want.State || got.Reason != tt.want.Reason || got.Message != tt.want.Message || s.Returned() != tt.returned {
					t.Errorf("%+v, returned %v; want %+v", got, s.Returned(), tt.want)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
				s.Close()
				if tt.fails != nil && !errors.Is(s.Err(), tt.fails) {
					t.Errorf("error %v", s.Err())
				}
			})
		})
	}
}

// TestFinish: Helm continues when all tasks in parallel have succeeded, and stops waiting when one has failed.
func TestFinish(t *testing.T) {
	failed := errors.New("a task failed")
	for name, cancelled := range map[string]bool{"all succeed": false, "one fails": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, others := newProcess(nil), make(chan struct{})
				s := &Steps{Process: p, Apply: p.apply, TasksInParallel: true}
				s.Run(t.Context(), attempt(plan.Apply, nil))
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Minute, func() {
					if cancelled {
						cancel(failed)
					} else {
						close(others)
					}
				})
				got := s.Run(ctx, attempt(plan.Finish, others))
				cancel(nil)
				switch {
				case cancelled && (got.State != task.Cancelled || !errors.Is(s.Err(), failed)):
					t.Errorf("%+v, error %v", got, s.Err())
				case !cancelled && (got.State != task.Succeeded || s.Err() != nil):
					t.Errorf("%+v, error %v", got, s.Err())
				}
			})
		})
	}
}

// TestRollBack: a change is undone when this process or an earlier one has started it, and only after Helm has ended.
func TestRollBack(t *testing.T) {
	for name, tt := range map[string]struct {
		steps   Steps
		applies bool
		want    task.State
		did     string
	}{
		"nothing was started":          {want: task.Skipped},
		"an earlier process did it":    {steps: Steps{AlreadyApplied: true}, want: task.Succeeded, did: "reverted"},
		"an earlier process has begun": {steps: Steps{Interrupted: true}, want: task.Succeeded, did: "reverted"},
		"this one did it":              {applies: true, want: task.Succeeded, did: "reverted"},
		"Helm refused to change it":    {applies: true, want: task.Skipped, did: ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProcess(nil)
				s := &tt.steps
				s.Process, s.Apply, s.TasksInParallel = p, p.apply, true
				s.Revert = func() (string, error) {
					if tt.applies && !s.Returned() {
						t.Error("Helm has not ended")
					}
					return tt.did, nil
				}
				if tt.applies {
					s.Run(t.Context(), attempt(plan.Apply, nil))
				}
				if got := s.Run(t.Context(), attempt(plan.RollBack, nil)); got.State != tt.want || s.Reverted() != tt.did {
					t.Errorf("%+v, did %q; want %s, %q", got, s.Reverted(), tt.want, tt.did)
				}
			})
		})
	}
}
