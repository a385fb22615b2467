package action

import (
	"context"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// settle returns a function that turns the results of an operation's steps into the result of the operation.
func (o *Operation) settle(p *prepared) func(context.Context, engine.Result, Presentation) (*Result, error) {
	return func(ctx context.Context, result engine.Result, _ Presentation) (*Result, error) {
		applyError := p.steps.Helm.Err()
		end := rolledBack(result, p.steps.Helm.Reverted(), outcome(ctx, result, applyError, o.locks.lost.Load()))
		r := p.result()
		r.Ran, r.Outcome, r.Revision, r.ExitCode = true, result, p.change.Revision(), ExitCode(end)
		r.RolledBack = r.ExitCode == ExitRolledBack
		if end != nil && r.Revision > 0 && applyError == nil && !triedRollback(result) {
			stays := "nothing was rolled back"
			if r.Plan.Operation == task.Rollback {
				stays = "the release stays at this revision"
			}
			r.Closing = append(r.Closing, shown("release %q: Helm's %s is done (revision %d), %s", o.Release.Name, r.Plan.Operation, r.Revision, stays))
		}
		return r, end
	}
}

// forget deletes the ledger of a release that was uninstalled, and the records of its runs.
func (o *Operation) forget(ctx context.Context, p *prepared) {
	ctx = context.WithoutCancel(ctx)
	var group sync.WaitGroup
	var errs [2]error
	group.Go(func() { errs[0] = p.prior.store.Delete(ctx) })
	group.Go(func() {
		runs, err := o.Config.runsIn(o.Record.Place, p.steps.Client, o.Release.Namespace)
		if err == nil {
			err = record.DeleteAll(ctx, runs, o.Release.Name)
		}
		if !apierrors.IsForbidden(err) { // a user without the right to list them has not created them
			errs[1] = err
		}
	})
	group.Wait()
	for _, err := range errs {
		if err != nil {
			o.Config.note(err.Error())
		}
	}
}
