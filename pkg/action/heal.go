package action

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// healAfter is how long a release must have been pending before --heal may take it for abandoned: another
// Helm waits no longer than its --timeout, which is 5 minutes unless somebody says otherwise.
const healAfter = 10 * time.Minute

// heal marks a pending release as failed when its owner is known to be no more. It first waits for one
// that is alive.
func (o *Operation) heal(ctx context.Context, pending *release.PendingError, refusal error) error {
	client, name, namespace := o.Connection.Client(), o.Release.Name, o.Release.Namespace
	lockName := lock.Name(name, "")
	locks := lock.Locks{Client: client.Interface, Namespace: namespace}
	run, err := o.ownerOf(ctx, pending)
	if err != nil {
		return o.explainPending(ctx, pending, refusal)
	}
	if run == nil && !o.Heal {
		return o.explainPending(ctx, pending, refusal)
	}
	if holder, err := locks.Get(ctx, lockName); err == nil && holder != nil || run != nil {
		if _, have := o.locks.held[lockName]; !have {
			if _, err := o.locks.acquire(ctx, o.Record.LockWait, client, namespace, lockName, o.id); err != nil {
				if isLocked(err) {
					return err
				}
				return &release.PreflightError{Err: err}
			}
			return nil // whoever had the lock may have ended well: look again
		}
	}
	why := ""
	switch age := o.Config.Now().Sub(pending.Since); {
	case run != nil:
		why = fmt.Sprintf("left %s by run %s of %s, which is no more", pending.Status, run.ID, run.Owner)
	case age < healAfter:
		return RefusedError{fmt.Sprintf("%v\nrelease %q has been %s for %s only, and another Helm may still be at work on it: --heal waits until it has been so for %s", refusal, name, pending.Status, age.Round(time.Second), healAfter)}
	default:
		why = fmt.Sprintf("left %s since %s", pending.Status, pending.Since.Format(time.RFC3339))
	}
	if err := o.Helm.MarkFailed(name, pending.Revision, why); err != nil {
		return &release.PreflightError{Err: err}
	}
	o.Config.say("note: revision %d of release %q was %s; it is marked as failed now", pending.Revision, name, why)
	return nil
}

// ownerOf returns the recorded run that has made the pending revision and has not ended; nil when there
// is none.
func (o *Operation) ownerOf(ctx context.Context, pending *release.PendingError) (*record.Run, error) {
	if o.Resume != nil && o.Resume.Run.Revision <= pending.Revision {
		return &o.Resume.Run.Run, nil
	}
	runs, err := o.Config.runsIn(o.Record.Place, o.Connection.Client(), o.Release.Namespace)
	if err != nil {
		return nil, err
	}
	all, _, err := record.List(ctx, runs, pending.Release)
	if apierrors.IsForbidden(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if !r.Finished() && r.Revision == pending.Revision && r.Operation != task.Run {
			return r, nil
		}
	}
	return nil, nil
}

// explainPending adds to the refusal of a pending release what can be done.
func (o *Operation) explainPending(ctx context.Context, pending *release.PendingError, refusal error) error {
	locks := lock.Locks{Client: o.Connection.Client().Interface, Namespace: o.Release.Namespace}
	holder, err := locks.Get(ctx, lock.Name(pending.Release, ""))
	hint := fmt.Sprintf("either another Helm is at work on it, or one died there %s ago or later; when you know that none is, --heal marks the revision as failed and goes on", o.Config.Now().Sub(pending.Since).Round(time.Second))
	if err == nil && holder != nil {
		hint = fmt.Sprintf("%s is at work on it with run %s; see 'kubectl tasks status %s'", holder.Owner, holder.Run, holder.Run)
	}
	return &release.PreflightError{Err: fmt.Errorf("%w\nhint: %s", refusal, hint)}
}
