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

// healAfter is the time for which a release must have been pending before --heal treats it as abandoned. Another Helm
// process waits at most for its --timeout, by default 5 minutes.
const healAfter = 10 * time.Minute

// heal marks a pending release as failed if its owner is known to have died. If the owner is alive, heal first waits for
// it.
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
			return nil // the previous holder may have succeeded: check again
		}
	}
	why := ""
	switch age := o.Config.Now().Sub(pending.Since); {
	case run != nil:
		why = fmt.Sprintf("left %s by run %s of %s, which died", pending.Status, run.ID, run.Owner)
	case age < healAfter:
		return RefusedError{Message: fmt.Sprintf("%v\nrelease %q has been %s for only %s, and another Helm process may still work on it: --heal needs at least %s", refusal, name, pending.Status, age.Round(time.Second), healAfter)}
	default:
		why = fmt.Sprintf("left %s since %s", pending.Status, pending.Since.Format(time.RFC3339))
	}
	if err := o.Helm.MarkFailed(name, pending.Revision, why); err != nil {
		return &release.PreflightError{Err: err}
	}
	o.Config.say("note: revision %d of release %q was %s; it is now marked as failed", pending.Revision, name, why)
	return nil
}

// ownerOf returns the unfinished recorded run that created the pending revision; nil if there is none.
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

// explainPending adds a hint to the refusal of a pending release.
func (o *Operation) explainPending(ctx context.Context, pending *release.PendingError, refusal error) error {
	locks := lock.Locks{Client: o.Connection.Client().Interface, Namespace: o.Release.Namespace}
	holder, err := locks.Get(ctx, lock.Name(pending.Release, ""))
	hint := fmt.Sprintf("another Helm process works on the release, or one has died in the last %s; if none works on it, --heal marks the revision as failed and continues", o.Config.Now().Sub(pending.Since).Round(time.Second))
	if err == nil && holder != nil {
		hint = fmt.Sprintf("%s works on the release with run %[2]s; see '%[3]s status %[2]s'", holder.Owner, holder.Run, o.Config.Name)
	}
	return &release.PreflightError{Err: fmt.Errorf("%w\nhint: %s", refusal, hint)}
}
