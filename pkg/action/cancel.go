package action

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Cancel stops a run and waits until it has stopped; of a run that died it removes what is left, and records that it was
// cancelled. It returns the state in which the run ended. The error has exit code 124 when the run has not stopped after
// timeout.
func (p *Past) Cancel(ctx context.Context, run *record.Stored, timeout time.Duration) (task.State, error) {
	asked := false
	for end := p.config.Now().Add(timeout); ; {
		state, held, err := p.liveness(ctx, &run.Run)
		switch {
		case err != nil:
			return "", preflight(ctx, err)
		case state == Died:
			state, err := p.cancelDead(ctx, run.ID, held, timeout)
			if !errors.Is(err, lock.ErrChanged) {
				return state, err
			}
		case state != Running:
			return state, nil
		case !asked:
			if asked, err = p.Locks.Cancel(ctx, lock.Name(run.Release, run.ID), run.ID, p.config.owner().String()); err != nil {
				return "", preflight(ctx, err)
			}
			if asked {
				p.config.say("asked %s to stop run %s", run.Owner, run.ID)
			}
		}
		left := end.Sub(p.config.Now())
		if left <= 0 {
			return "", RunError{ExitTimeout, fmt.Errorf("run %s has not stopped after %s; its process has been asked to", run.ID, timeout)}
		}
		if err := p.Runs.WaitChanged(ctx, run, min(left, refresh)); err != nil {
			return "", err
		}
		if run, err = p.Runs.Get(ctx, run.ID); err != nil {
			return "", preflight(ctx, err)
		}
	}
}

// cancelDead removes what a run left whose process has died. held is the lock that the process left; nil when it left
// none. The error is lock.ErrChanged when the process has come back.
func (p *Past) cancelDead(ctx context.Context, id string, held *lock.Held, timeout time.Duration) (task.State, error) {
	if held != nil { // it was watched already, which takes as long as a lock lasts
		if err := p.Locks.Break(ctx, held); err != nil {
			return "", err
		}
	}
	run, err := p.Runs.Get(ctx, id)
	if err != nil {
		return "", preflight(ctx, err)
	}
	self := p.config.owner()
	lock, err := p.Locks.Acquire(ctx, lock.Name(run.Release, run.ID), lock.Holder{Owner: self, Run: run.ID}, timeout)
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Release(context.WithoutCancel(ctx)) }() // it expires
	// Another process may have resumed it before the lock was taken.
	if run, err = p.Runs.Get(ctx, id); err != nil {
		return "", preflight(ctx, err)
	}
	if run.Finished() {
		return run.Status, nil
	}
	if err := p.removeLeftovers(ctx, run); err != nil {
		return "", err
	}
	if err := record.Abandon(ctx, p.Runs, run, self); err != nil {
		return "", err
	}
	return run.Status, nil
}

// removeLeftovers deletes the pods and Jobs that a run left, and scales back the workloads that it scaled up.
func (p *Past) removeLeftovers(ctx context.Context, run *record.Stored) error {
	var failed []error
	for _, s := range run.Steps {
		for _, o := range s.Created {
			if o.Container != "" {
				continue // the task ran in it, and did not create it
			}
			removed, err := p.client.Remove(ctx, run.ID, o, runner.StopGrace)
			if err != nil {
				failed = append(failed, fmt.Errorf("%s %s in namespace %q: %w", o.Kind, o.Name, o.Namespace, err))
			} else if removed {
				p.config.say("removed %s %s", o.Kind, o.Name)
			}
		}
	}
	for _, w := range run.ScaledUp {
		if err := (workload.Finder{Client: p.client}).ScaleBack(ctx, run.Namespace, w.Target, w.UID, w.Replicas); err != nil {
			failed = append(failed, err)
		} else {
			p.config.say("%s is scaled to zero again", w.Target)
		}
	}
	return errors.Join(failed...)
}
