package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// heals is how long a release must have been pending before --heal may take it for abandoned: another
// Helm waits no longer than its --timeout, which is 5 minutes unless somebody says otherwise.
const heals = 10 * time.Minute

// settled carries a change out, again when the release has changed while this run waited for others, and
// after healing a release that a run which is no more left pending.
func (a *App) settled(ctx context.Context, o *helmOptions, namespace, name string, attempt func() error) error {
	a.stopCommands()
	for tries := 0; ; {
		err := attempt()
		pending, isPending := errors.AsType[*release.PendingError](err)
		switch {
		case errors.Is(err, errStale):
			continue
		case !isPending || tries == 2: // the lock was taken, and the release healed
			return err
		case a.planning != nil:
			return a.explained(ctx, o, namespace, pending, err)
		}
		if err := a.heal(ctx, o, namespace, name, pending, err); err != nil {
			return err
		}
		tries++
	}
}

// heal marks a pending release as failed when its owner is known to be no more. It first waits for one
// that is alive.
func (a *App) heal(ctx context.Context, o *helmOptions, namespace, name string, pending *release.PendingError, refusal error) error {
	client := o.connection.client()
	flags := &o.tasks.record
	lockName := lock.Name(name, "")
	locks := lock.Locks{Client: client.Interface, Namespace: namespace}
	run, err := a.ownerOf(ctx, o, namespace, pending)
	if err != nil {
		return a.explained(ctx, o, namespace, pending, refusal)
	}
	if run == nil && !o.tasks.heal {
		return a.explained(ctx, o, namespace, pending, refusal)
	}
	if holder, err := locks.Get(ctx, lockName); err == nil && holder != nil || run != nil {
		if _, have := a.locks[lockName]; !have {
			if _, err := a.acquire(ctx, flags, client, namespace, lockName, a.runID(name)); err != nil {
				if isLocked(err) {
					return err
				}
				return &release.PreflightError{Err: err}
			}
			return nil // whoever had the lock may have ended well: look again
		}
	}
	why := ""
	switch age := time.Since(pending.Since); {
	case run != nil:
		why = fmt.Sprintf("left %s by run %s of %s, which is no more", pending.Status, run.ID, run.Owner)
	case age < heals:
		return refusedError{fmt.Sprintf("%v\nrelease %q has been %s for %s only, and another Helm may still be at work on it: --heal waits until it has been so for %s", refusal, name, pending.Status, age.Round(time.Second), heals)}
	default:
		why = fmt.Sprintf("left %s since %s", pending.Status, pending.Since.Format(time.RFC3339))
	}
	if err := o.helm.MarkFailed(name, pending.Revision, why); err != nil {
		return &release.PreflightError{Err: err}
	}
	a.say("note: revision %d of release %q was %s; it is marked as failed now", pending.Revision, name, why)
	return nil
}

// ownerOf returns the recorded run that has made the pending revision and has not ended; nil when there
// is none.
func (a *App) ownerOf(ctx context.Context, o *helmOptions, namespace string, pending *release.PendingError) (*record.Run, error) {
	if a.resuming != nil && a.resuming.run.Revision <= pending.Revision {
		return &a.resuming.run.Run, nil
	}
	runs, err := runsIn(o.tasks.record.place, o.connection.client(), namespace)
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

// explained adds to the refusal of a pending release what can be done.
func (a *App) explained(ctx context.Context, o *helmOptions, namespace string, pending *release.PendingError, refusal error) error {
	locks := lock.Locks{Client: o.connection.client().Interface, Namespace: namespace}
	holder, err := locks.Get(ctx, lock.Name(pending.Release, ""))
	hint := fmt.Sprintf("either another Helm is at work on it, or one died there %s ago or later; when you know that none is, --heal marks the revision as failed and goes on", time.Since(pending.Since).Round(time.Second))
	if err == nil && holder != nil {
		hint = fmt.Sprintf("%s is at work on it with run %s; see 'kubectl tasks status %s'", holder.Owner, holder.Run, holder.Run)
	}
	return &release.PreflightError{Err: fmt.Errorf("%w\nhint: %s", refusal, hint)}
}
