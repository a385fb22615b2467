package record

import (
	"context"
	"errors"
	"slices"
)

// Prune deletes the oldest records of the runs of a release, or of those without one, so that at most
// keep are left; 0 keeps all. With a run without a release goes the lock that it had for itself: its process may
// have died before it gave it back, and nobody else would take it.
func Prune(ctx context.Context, runs Runs, locks Locks, release string, keep int) error {
	if keep <= 0 {
		return nil
	}
	all, err := runs.List(ctx, release)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(r *Stored) bool { return r.Release != release })
	var failed []error
	for _, old := range all[:max(0, len(all)-keep)] {
		if release == "" && old.Ended() {
			failed = append(failed, locks.drop(ctx, LockName("", old.ID), old.ID))
		}
		failed = append(failed, runs.Delete(ctx, old.ID))
	}
	return errors.Join(failed...)
}

// Forget deletes the records of all runs of a release.
func Forget(ctx context.Context, runs Runs, release string) error {
	all, err := runs.List(ctx, release)
	if err != nil {
		return err
	}
	var failed []error
	for _, old := range all {
		failed = append(failed, runs.Delete(ctx, old.ID))
	}
	return errors.Join(failed...)
}
