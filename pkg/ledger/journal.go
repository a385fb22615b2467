package ledger

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// timeout limits the time to write an entry.
const timeout = 30 * time.Second

// Journal writes a run's entries into the ledger of its release. It implements engine.Journal, and writes only what later
// runs need.
type Journal struct {
	Store Store
	// Run is the run's ID.
	Run string
	// Revision is the revision that the run creates or runs for.
	Revision int
	// Documents are kept when Helm has applied the release.
	Documents []record.Document
	// Digest returns the digest of a task's dependencies.
	Digest func(t task.Task) (string, error)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

func (j Journal) now() time.Time {
	if j.Now != nil {
		return j.Now().UTC()
	}
	return time.Now().UTC().Truncate(time.Second)
}

// id returns the ID of the entry of a task of this run.
func (j Journal) id(t *task.Task) string { return j.Run + "/" + t.Name }

func (j Journal) update(change func(*Ledger) error) error {
	// Entries are written even after the run was cancelled.
	return j.updateIn(context.Background(), change)
}

func (j Journal) updateIn(ctx context.Context, change func(*Ledger) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return j.Store.update(ctx, change)
}

// Before adds an entry for a task with an undo that is about to start.
func (j Journal) Before(ctx context.Context, a engine.Attempt) error {
	s := a.Step
	if s.Task == nil || s.Task.Undo == nil {
		return nil
	}
	undo, err := encodeTask(*s.Task.Undo)
	if err != nil {
		return err
	}
	return j.updateIn(ctx, func(r *Ledger) error {
		r.Entries = append(r.without(j.id(s.Task)), Entry{
			ID: j.id(s.Task), Run: j.Run, Revision: j.Revision, Task: s.Task.Name, Time: j.now(), Undo: undo,
		})
		return nil
	})
}

// Retried does nothing: only the result of the last attempt matters.
func (j Journal) Retried(engine.Attempt, task.Result) error { return nil }

// After records the result of a task, removes the entry of a task that was undone, and stores the documents when Helm has
// applied the release.
func (j Journal) After(result engine.StepResult) error {
	s := result.Step
	switch {
	case s.Kind == plan.Apply && result.State == task.Succeeded:
		return j.update(func(r *Ledger) error {
			r.Documents = j.Documents
			return nil
		})
	case s.Task == nil:
		return nil
	case s.Undoes != "" || s.Recorded != "":
		if result.State != task.Succeeded {
			return nil
		}
		id := s.Recorded
		if id == "" {
			id = j.Run + "/" + s.Undoes
		}
		return j.update(func(r *Ledger) error {
			r.Entries = r.without(id)
			return nil
		})
	}
	return j.taskEnded(result)
}

// Close records which release the ledger is about. An install knows that only at its end.
func (j Journal) Close() error {
	if j.Store.firstDeployed() == "" {
		return nil
	}
	return j.update(func(*Ledger) error { return nil })
}

func (j Journal) taskEnded(result engine.StepResult) error {
	t := result.Step.Task
	proof := Proof{Key: t.Once, Time: j.now()}
	proves := result.State == task.Succeeded && (t.Once != "" || t.Changed != nil)
	if proves && t.Changed != nil {
		var err error
		if proof.Digest, err = j.Digest(*t); err != nil {
			return err
		}
	}
	if !proves && t.Undo == nil {
		return nil
	}
	var undo json.RawMessage
	if t.Undo != nil {
		var err error
		if undo, err = encodeTask(*t.Undo); err != nil {
			return err
		}
	}
	return j.update(func(r *Ledger) error {
		if proves {
			if r.Proofs == nil {
				r.Proofs = map[string]Proof{}
			}
			r.Proofs[t.Name] = proof
		}
		i := slices.IndexFunc(r.Entries, func(d Entry) bool { return d.ID == j.id(t) })
		switch {
		case i < 0:
		case result.State == task.Succeeded:
			r.Entries[i].Succeeded, r.Entries[i].Undo = true, undo
		case result.State != task.Unknown:
			r.Entries = r.without(j.id(t))
		}
		return nil
	})
}
