package record

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
)

// candidate is what pruning must know of a run.
type candidate struct {
	id    string
	start time.Time
	ended bool
}

// candidates returns the runs of exactly that release, the oldest first, with those whose record cannot be read.
func candidates(ctx context.Context, runs Store, release string) ([]candidate, error) {
	var all []candidate
	unreadable, err := runs.Each(ctx, release, func(run *Run) {
		if run.Release == release {
			all = append(all, candidate{run.ID, run.Start, run.Finished()})
		}
	})
	for _, u := range unreadable {
		if u.Release == release {
			all = append(all, candidate{id: u.ID, start: u.Start})
		}
	}
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Or(a.start.Compare(b.start), cmp.Compare(a.id, b.id)) })
	return all, err
}

// Prune deletes the oldest records of the runs of a release, or of those without one, so that at most
// keep are left; 0 keeps all. One that cannot be read is as old as its Secret or file. With a run without a release goes
// the lock that it had for itself: its process may have died before it gave it back, and nobody else would take it.
func Prune(ctx context.Context, runs Store, locks lock.Locks, release string, keep int) error {
	if keep <= 0 {
		return nil
	}
	all, err := candidates(ctx, runs, release)
	if err != nil {
		return err
	}
	var failed []error
	for _, old := range all[:max(0, len(all)-keep)] {
		if release == "" && old.ended {
			failed = append(failed, locks.Drop(ctx, lock.Name("", old.id), old.id))
		}
		failed = append(failed, runs.Delete(ctx, old.id))
	}
	return errors.Join(failed...)
}

// DeleteAll deletes the records of all runs of a release.
func DeleteAll(ctx context.Context, runs Store, release string) error {
	all, err := candidates(ctx, runs, release)
	if err != nil {
		return err
	}
	var failed []error
	for _, old := range all {
		failed = append(failed, runs.Delete(ctx, old.id))
	}
	return errors.Join(failed...)
}
