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

// Cancel stops a run and waits for its end. If the run died, it deletes the objects that the run left, and records the run as
// cancelled. It returns the state in which the run ended. The error has exit code 124 if the run has not stopped after
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
			return "", RunError{ExitTimeout, fmt.Errorf("run %s has not stopped within %s; the request to stop remains", run.ID, timeout)}
		}
		if err := p.Runs.WaitChanged(ctx, run, min(left, refresh)); err != nil {
			return "", err
		}
		if run, err = p.Runs.Get(ctx, run.ID); err != nil {
			return "", preflight(ctx, err)
		}
	}
}

// cancelDead deletes the objects that a dead run left. held is the lock that its process left; nil if it left none. The
// error is lock.ErrChanged if the lock was renewed after all.
func (p *Past) cancelDead(ctx context.Context, id string, held *lock.Held, timeout time.Duration) (task.State, error) {
	if held != nil { // the caller has already watched it for the duration of a lock
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
				p.config.say("deleted %s %s", o.Kind, o.Name)
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
