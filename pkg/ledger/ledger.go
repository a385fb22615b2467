package ledger

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
)

// Ledger is what later runs of a release must know of earlier ones. New versions only add fields.
type Ledger struct {
	// FirstDeployed distinguishes the release from earlier and later ones of the same name; empty until it is first applied.
	FirstDeployed string `json:"life,omitempty"`
	// Entries are the tasks with an undo that have run, the oldest first.
	Entries []Entry `json:"done,omitempty"`
	// Documents are the task documents of the run that last applied the release, as far as later runs need them.
	Documents []record.Document `json:"documents,omitempty"`
	// Proofs are the last successes of tasks that do not always run, by the task's name.
	Proofs map[string]Proof `json:"proofs,omitempty"`
	// Dropped counts the entries that were removed because the ledger was full.
	Dropped Dropped `json:"dropped,omitzero"`
}

// Dropped counts removed entries, with the newest revision of them.
type Dropped struct {
	Count    int `json:"count"`
	Revision int `json:"revision"`
}

// Entry is a task with an undo that has run, or was started.
type Entry struct {
	// ID is unique in the ledger.
	ID string `json:"id"`
	// Run is the ID of the run, Revision the revision that it created or ran for.
	Run      string    `json:"run"`
	Revision int       `json:"revision,omitempty"`
	Task     string    `json:"task"`
	Time     time.Time `json:"time"`
	// Succeeded reports that the task succeeded; otherwise its result is unknown.
	Succeeded bool `json:"ended,omitempty"`
	// Undo is the encoded undo; see UndoTask.
	Undo json.RawMessage `json:"undo,omitempty"`
}

// Proof is the last success of a task.
type Proof struct {
	// Key is the value of the task's once, Digest the digest of its dependencies.
	Key    string    `json:"key,omitempty"`
	Digest string    `json:"digest,omitempty"`
	Time   time.Time `json:"time"`
}

// maxBytes is the largest size of a ledger as JSON; a Secret can have 1 MiB.
const maxBytes = 512 << 10

// encoded returns the ledger as JSON. When it is too large, the oldest entries are removed, and counted.
func (r *Ledger) encoded() ([]byte, error) {
	for {
		text, err := json.Marshal(r)
		if err != nil || len(text) <= maxBytes || len(r.Entries) == 0 {
			return text, err
		}
		oldest := (len(r.Entries) + 9) / 10
		for _, d := range r.Entries[:oldest] {
			r.Dropped = Dropped{Count: r.Dropped.Count + 1, Revision: max(r.Dropped.Revision, d.Revision)}
		}
		r.Entries = slices.Delete(r.Entries, 0, oldest)
	}
}

// empty reports whether the ledger contains nothing.
func (r *Ledger) empty() bool {
	return len(r.Entries)+len(r.Documents)+len(r.Proofs)+r.Dropped.Count == 0
}

// without returns the entries without the one of that ID.
func (r *Ledger) without(id string) []Entry {
	return slices.DeleteFunc(r.Entries, func(d Entry) bool { return d.ID == id })
}

// Since returns the entries for revisions after that one, the newest first.
func (r *Ledger) Since(revision int) []Entry {
	var found []Entry
	for _, d := range slices.Backward(r.Entries) {
		if d.Revision > revision {
			found = append(found, d)
		}
	}
	return found
}
