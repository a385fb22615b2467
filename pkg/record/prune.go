package record

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
)

// candidate has the fields of a run that pruning needs.
type candidate struct {
	id       string
	start    time.Time
	finished bool
}

// candidates returns the runs of exactly that release, the oldest first, with unreadable records.
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

// Prune deletes the oldest records of the runs of a release, or of runs without a release, so that at most keep are left; 0
// keeps all. The age of an unreadable record is that of its Secret or file. The lock of a run without a release is deleted
// with its record: its process may have died before it released the lock, and no other run takes it over.
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
		if release == "" && old.finished {
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
