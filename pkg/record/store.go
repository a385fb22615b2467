package record

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

const (
	// runType is the type of a run's Secret, and runLabel its label with the run's ID.
	runType  = "kubectl-tasks.io/run"
	runLabel = "kubectl-tasks.io/run"
	// ManagedByLabel is on each Secret of this program, with the value kubectl-tasks.
	ManagedByLabel = "app.kubernetes.io/managed-by"
	// ReleaseLabel names the release that a Secret is about.
	ReleaseLabel = "kubectl-tasks.io/release"
)

// Stored is a recorded run with the logs of its steps.
type Stored struct {
	Run

	// logs are the packed logs, by step ID.
	logs map[string][]byte
	// version identifies this state of the record.
	version string
}

// Log returns the beginning and the end of a step's output, without its secrets; nil when it printed nothing, has not ended
// yet, or when its log was left out.
func (s *Stored) Log(step string) ([]byte, error) {
	packed, ok := s.logs[step]
	if !ok {
		return nil, nil
	}
	return unpack(packed)
}

// Clone returns a copy that does not change with the original.
func (s *Stored) Clone() *Stored {
	c := *s
	c.Steps = slices.Clone(s.Steps)
	c.logs = maps.Clone(s.logs)
	return &c
}

// ErrNoRun means that there is no record of such a run.
var ErrNoRun = errors.New("there is no record of this run")

// ErrTakenOver means that another process works on the run, or that its record was deleted.
var ErrTakenOver = errors.New("another process has taken over the run, or its record was deleted")

// errConflict means that the record has changed since it was read.
var errConflict = errors.New("the record has changed")

// Store holds the records of the runs of a namespace.
type Store interface {
	// Put stores a run: as a new record when its version is empty, else in place of that version. It updates the version.
	// The error is errConflict when the record has another version.
	Put(ctx context.Context, run *Stored) error
	// Get returns a run. The error is ErrNoRun when there is none of that ID.
	Get(ctx context.Context, id string) (*Stored, error)
	// Each calls each with the runs of a release, or all runs when release is empty, in no order and without their logs. It
	// returns the records that cannot be read. The error is about the store: an unreadable record does not hide others.
	Each(ctx context.Context, release string, each func(*Run)) ([]Unreadable, error)
	// WaitChanged returns when the record of a run has changed since it was read, or after atMost.
	WaitChanged(ctx context.Context, run *Stored, atMost time.Duration) error
	// Delete deletes a run. It succeeds when there is none.
	Delete(ctx context.Context, id string) error
}

// Unreadable is a record that exists and cannot be read.
type Unreadable struct {
	// ID and Release are those of the run, as far as they are known from the name and labels of its record. Start is when
	// the record was created, or last written.
	ID, Release string
	Start       time.Time
	// Err names the record and the problem.
	Err error
}

// List returns the runs of a release, or all runs when release is empty, without their logs, and the records that cannot be
// read. Both are sorted, the oldest first. The error is about the store.
func List(ctx context.Context, runs Store, release string) ([]*Run, []Unreadable, error) {
	var all []*Run
	unreadable, err := runs.Each(ctx, release, func(run *Run) { all = append(all, run) })
	slices.SortFunc(all, CompareStart)
	slices.SortFunc(unreadable, func(a, b Unreadable) int { return a.Start.Compare(b.Start) })
	return all, unreadable, err
}

// CompareStart compares runs by their start. IDs contain the start in seconds only, followed by a random part.
func CompareStart(a, b *Run) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID)) }

// Abandon records that no process works on a run any more: started steps without a result are Cancelled. The error is
// ErrTakenOver when another process works on it.
func Abandon(ctx context.Context, runs Store, run *Stored, by lock.Owner) error {
	now := time.Now().UTC()
	run.End, run.Status = &now, task.Cancelled
	for i := range run.Steps {
		if s := &run.Steps[i]; s.Attempt > 0 && s.State == "" {
			s.State, s.Reason, s.Message, s.End = task.Cancelled, "Cancelled", "cancelled by "+by.String(), &now
		}
	}
	if err := runs.Put(ctx, run); err != nil {
		if errors.Is(err, errConflict) {
			return ErrTakenOver
		}
		return err
	}
	return nil
}
