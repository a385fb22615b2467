package ledger

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
)

// Ledger is what is known of a release's earlier runs. Its fields only grow.
type Ledger struct {
	// FirstDeployed tells the release from another one of the same name, before or after it; empty as long as
	// it was never applied.
	FirstDeployed string `json:"life,omitempty"`
	// Entries are the tasks with an undo, the oldest first.
	Entries []Entry `json:"done,omitempty"`
	// Documents are the task documents of the run that last applied the release, as far as later runs
	// need them.
	Documents []record.Document `json:"documents,omitempty"`
	// Proofs are the last successes of tasks that need not run always, by the task's name.
	Proofs map[string]Proof `json:"proofs,omitempty"`
	// Dropped is what went from Entries because there was no room.
	Dropped Dropped `json:"dropped,omitzero"`
}

// Dropped counts undos that the record had no room for, and names the newest revision that one was of.
type Dropped struct {
	Count    int `json:"count"`
	Revision int `json:"revision"`
}

// Entry is a task that was done, or started, and can be taken back.
type Entry struct {
	// ID is unique in the record.
	ID string `json:"id"`
	// Run is the run that did it, Revision the release's revision that it made, or met.
	Run      string    `json:"run"`
	Revision int       `json:"revision,omitempty"`
	Task     string    `json:"task"`
	Time     time.Time `json:"time"`
	// Succeeded reports that it succeeded; otherwise its end was not seen.
	Succeeded bool `json:"ended,omitempty"`
	// Undo is the task that takes it back; see encode.
	Undo json.RawMessage `json:"undo,omitempty"`
}

// Proof is the last success of a task.
type Proof struct {
	// Key is the value of its once, Digest the digest of what it depends on.
	Key    string    `json:"key,omitempty"`
	Digest string    `json:"digest,omitempty"`
	Time   time.Time `json:"time"`
}

// maxBytes is the largest size of a ledger as JSON; a Secret can have 1 MiB.
const maxBytes = 512 << 10

// encoded returns the record as JSON. When it has grown too large, the oldest of Entries go, and are counted.
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

// empty reports whether nobody will miss the record.
func (r *Ledger) empty() bool {
	return len(r.Entries)+len(r.Documents)+len(r.Proofs)+r.Dropped.Count == 0
}

// Since returns what was done for revisions after that one, the newest first.
func (r *Ledger) Since(revision int) []Entry {
	var found []Entry
	for _, d := range slices.Backward(r.Entries) {
		if d.Revision > revision {
			found = append(found, d)
		}
	}
	return found
}
