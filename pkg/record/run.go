package record

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Run is one run as it is recorded, while it goes on and afterwards. Its fields only grow.
type Run struct {
	ID        string         `json:"id"`
	Operation task.Operation `json:"operation"`
	Release   string         `json:"release,omitempty"`
	Namespace string         `json:"namespace"`
	// Revision is the release's revision that the run makes or meets; 0 when there is none.
	Revision int `json:"revision,omitempty"`
	// Target is the revision that a rollback goes back to.
	Target int `json:"target,omitempty"`
	// Command is the command line without the program and without what chooses the cluster, and
	// Directory where it was given.
	Command   []string `json:"command,omitempty"`
	Directory string   `json:"directory,omitempty"`
	// Owner is the process that works on the run, or that did last.
	Owner lock.Owner `json:"owner"`
	// Processes counts those that have worked on it.
	Processes int       `json:"processes"`
	Start     time.Time `json:"start"`
	// End, Status and ExitCode are set when the run has ended; resuming it takes them away.
	End      *time.Time `json:"end,omitempty"`
	Status   task.State `json:"status,omitempty"`
	ExitCode int        `json:"exitCode,omitempty"`
	// RolledBack reports that what the run did was taken back.
	RolledBack bool `json:"rolledBack,omitempty"`
	// Inputs are the digests of what the plan was made from besides its steps, by what they are of.
	Inputs map[string]string `json:"inputs,omitempty"`
	// Documents are the task documents that an uninstall was made from: when it is gone on with, the release may be gone.
	Documents []Document `json:"documents,omitempty"`
	Steps     []Step     `json:"steps"`
	// ScaledUp are the workloads that tasks have scaled up, or are about to, and that are not back yet.
	ScaledUp []ScaledUp `json:"woken,omitempty"`
	// Compacted reports that details were left out because the record would have grown too large, and Unkept are the
	// steps of which what they printed was.
	Compacted   bool     `json:"compacted,omitempty"`
	DroppedLogs []string `json:"unkept,omitempty"`
}

// ScaledUp is a workload that was scaled from zero to so many pods. Target is its KIND/NAME.
type ScaledUp struct {
	Target   string `json:"target"`
	UID      string `json:"uid,omitempty"`
	Replicas int64  `json:"replicas"`
}

// Step is a step of a recorded run.
type Step struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	// Digest sums up what the step does.
	Digest   string     `json:"digest,omitempty"`
	Phase    task.Phase `json:"phase,omitempty"`
	Executor string     `json:"executor,omitempty"`
	Source   string     `json:"source,omitempty"`
	// Attempt is the number of the attempt that was started last; 0 when none was.
	Attempt int `json:"attempt,omitempty"`
	// Created are the objects that the attempt made or runs in.
	Created []task.Object `json:"made,omitempty"`
	// State is how it ended; empty as long as that is not known.
	State    task.State        `json:"state,omitempty"`
	ExitCode *int              `json:"exitCode,omitempty"`
	Reason   string            `json:"reason,omitempty"`
	Message  string            `json:"message,omitempty"`
	Start    *time.Time        `json:"start,omitempty"`
	End      *time.Time        `json:"end,omitempty"`
	Targets  []task.Target     `json:"targets,omitempty"`
	Outputs  map[string]Output `json:"outputs,omitempty"`
}

// Output is an output of a task. Of a secret one only that there was one is recorded.
type Output struct {
	Value  any  `json:"value,omitempty"`
	Secret bool `json:"secret,omitempty"`
}

// check holds what a run says of itself against the place where it was found: the error says what is not of that
// ID or namespace. Whoever may write there can have written the run, and no word of it leads elsewhere.
func (r *Run) check(id, namespace string) error {
	if r.ID != id {
		return fmt.Errorf("it says that it is the record of run %q", r.ID)
	}
	if r.Namespace != namespace {
		return fmt.Errorf("it is about namespace %q", r.Namespace)
	}
	for _, s := range r.Steps {
		for _, o := range s.Created {
			if o.Namespace != namespace || o.Name == "" || o.UID == "" {
				return fmt.Errorf("step %q names %s %q with UID %q in namespace %q", s.ID, o.Kind, o.Name, o.UID, o.Namespace)
			}
		}
	}
	for _, w := range r.ScaledUp {
		if kind, name, ok := strings.Cut(w.Target, "/"); !ok || kind == "" || name == "" || strings.Contains(name, "/") || w.Replicas < 1 {
			return fmt.Errorf("it names a workload %q with %d replicas", w.Target, w.Replicas)
		}
	}
	return nil
}

// Finished reports whether the run has ended, as far as is recorded.
func (r *Run) Finished() bool { return r.Status != "" }

// Started reports whether the step was started.
func (s *Step) Started() bool { return s.Attempt > 0 || s.State != "" }

// step returns the step of that ID; nil when the run has none.
func (r *Run) step(id string) *Step {
	for i := range r.Steps {
		if r.Steps[i].ID == id {
			return &r.Steps[i]
		}
	}
	return nil
}

// maxUnpacked is how large a record may be when it is unpacked.
const maxUnpacked = 64 << 20

// pack returns text compressed.
func pack(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(text) // a buffer takes all
	_ = w.Close()
	return b.Bytes()
}

// unpack is the reverse of pack.
func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
	if err == nil && len(text) > maxUnpacked {
		err = fmt.Errorf("it is larger than %d MiB", maxUnpacked>>20)
	}
	return text, err
}

// encodeRun returns the run as it is stored.
func encodeRun(r *Run) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return pack(text), nil
}

// decodeRun is the reverse of encodeRun.
func decodeRun(packed []byte) (*Run, error) {
	text, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	r := &Run{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, err
	}
	return r, nil
}
