package record

import (
	"encoding/json"
	"slices"
	"time"
)

// Record is what is known of a release's earlier runs. Its fields only grow.
type Record struct {
	// Life tells the release from another one of the same name, before or after it; empty as long as
	// it was never applied.
	Life string `json:"life,omitempty"`
	// Done are the tasks with an undo, the oldest first.
	Done []Done `json:"done,omitempty"`
	// Documents are the task documents of the run that last applied the release, as far as later runs
	// need them.
	Documents []Document `json:"documents,omitempty"`
	// Proofs are the last successes of tasks that need not run always, by the task's name.
	Proofs map[string]Proof `json:"proofs,omitempty"`
	// Dropped is what went from Done because there was no room.
	Dropped Dropped `json:"dropped,omitzero"`
}

// Dropped counts undos that the record had no room for, and names the newest revision that one was of.
type Dropped struct {
	Count    int `json:"count"`
	Revision int `json:"revision"`
}

// Done is a task that was done, or started, and can be taken back.
type Done struct {
	// ID is unique in the record.
	ID string `json:"id"`
	// Run is the run that did it, Revision the release's revision that it made, or met.
	Run      string    `json:"run"`
	Revision int       `json:"revision,omitempty"`
	Task     string    `json:"task"`
	Time     time.Time `json:"time"`
	// Ended reports that it succeeded; otherwise its end was not seen.
	Ended bool `json:"ended,omitempty"`
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

// maxBytes is how large the record may become; a Secret can have 1 MiB.
const maxBytes = 512 << 10

// encoded returns the record as JSON. When it has grown too large, the oldest of Done go, and are counted.
func (r *Record) encoded() ([]byte, error) {
	for {
		text, err := json.Marshal(r)
		if err != nil || len(text) <= maxBytes || len(r.Done) == 0 {
			return text, err
		}
		oldest := (len(r.Done) + 9) / 10
		for _, d := range r.Done[:oldest] {
			r.Dropped = Dropped{Count: r.Dropped.Count + 1, Revision: max(r.Dropped.Revision, d.Revision)}
		}
		r.Done = slices.Delete(r.Done, 0, oldest)
	}
}

// empty reports whether nobody will miss the record.
func (r *Record) empty() bool { return len(r.Done)+len(r.Documents)+len(r.Proofs)+r.Dropped.Count == 0 }

// Since returns what was done for revisions after that one, the newest first.
func (r *Record) Since(revision int) []Done {
	var found []Done
	for _, d := range slices.Backward(r.Done) {
		if d.Revision > revision {
			found = append(found, d)
		}
	}
	return found
}
