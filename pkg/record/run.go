package record

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Run is the record of a run, while it works and afterwards. New versions only add fields.
type Run struct {
	ID        string         `json:"id"`
	Operation task.Operation `json:"operation"`
	Release   string         `json:"release,omitempty"`
	Namespace string         `json:"namespace"`
	// Revision is the revision that the run creates or runs for; 0 when there is none.
	Revision int `json:"revision,omitempty"`
	// Target is the revision that a rollback returns to.
	Target int `json:"target,omitempty"`
	// Command is the command line without the program and without the flags that select the cluster, and Directory its
	// working directory.
	Command   []string `json:"command,omitempty"`
	Directory string   `json:"directory,omitempty"`
	// Owner is the process that works on the run, or did last.
	Owner lock.Owner `json:"owner"`
	// Processes is the number of processes that have worked on the run.
	Processes int       `json:"processes"`
	Start     time.Time `json:"start"`
	// End, Status and ExitCode are set when the run has finished, and reset when it is resumed.
	End      *time.Time `json:"end,omitempty"`
	Status   task.State `json:"status,omitempty"`
	ExitCode int        `json:"exitCode,omitempty"`
	// RolledBack reports that the run was rolled back.
	RolledBack bool `json:"rolledBack,omitempty"`
	// Inputs are the digests of the inputs of the plan other than its steps, by the name of the input.
	Inputs map[string]string `json:"inputs,omitempty"`
	// Documents are the task documents of an uninstall. When it is resumed, the release may be deleted already.
	Documents []Document `json:"documents,omitempty"`
	Steps     []Step     `json:"steps"`
	// ScaledUp are the workloads that tasks have scaled up, or are about to, and that are not scaled down again.
	ScaledUp []ScaledUp `json:"woken,omitempty"`
	// Compacted reports that details were left out because the record was too large, and DroppedLogs are the steps whose
	// logs were left out.
	Compacted   bool     `json:"compacted,omitempty"`
	DroppedLogs []string `json:"unkept,omitempty"`
}

// ScaledUp is a workload that was scaled from zero to Replicas. Target is its KIND/NAME.
type ScaledUp struct {
	Target   string `json:"target"`
	UID      string `json:"uid,omitempty"`
	Replicas int64  `json:"replicas"`
}

// Step is a step of a recorded run.
type Step struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	// Digest identifies what the step does.
	Digest   string     `json:"digest,omitempty"`
	Phase    task.Phase `json:"phase,omitempty"`
	Executor string     `json:"executor,omitempty"`
	Source   string     `json:"source,omitempty"`
	// Attempt is the number of the attempt that was started last; 0 means none.
	Attempt int `json:"attempt,omitempty"`
	// Created are the objects that the attempt created or runs in.
	Created []task.Object `json:"made,omitempty"`
	// State is the result; empty until it is known.
	State    task.State        `json:"state,omitempty"`
	ExitCode *int              `json:"exitCode,omitempty"`
	Reason   string            `json:"reason,omitempty"`
	Message  string            `json:"message,omitempty"`
	Start    *time.Time        `json:"start,omitempty"`
	End      *time.Time        `json:"end,omitempty"`
	Targets  []task.Target     `json:"targets,omitempty"`
	Outputs  map[string]Output `json:"outputs,omitempty"`
}

// Output is an output of a task. The value of a secret output is not recorded.
type Output struct {
	Value  any  `json:"value,omitempty"`
	Secret bool `json:"secret,omitempty"`
}

// check compares a run with the place where it was found. The error names what belongs to another ID or namespace. Anyone
// with the right to write there could have written the record, and it must not lead to other objects.
func (r *Run) check(id, namespace string) error {
	if r.ID != id {
		return fmt.Errorf("it is the record of run %q", r.ID)
	}
	if r.Namespace != namespace {
		return fmt.Errorf("it is the record of a run in namespace %q", r.Namespace)
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

// Finished reports whether the end of the run is recorded.
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

// NewSteps returns the records of a plan's steps before they have started.
func NewSteps(p plan.Plan, digest func(plan.Step) string) []Step {
	steps := make([]Step, 0, len(p.Steps))
	for _, s := range p.Steps {
		recorded := Step{ID: s.ID, Kind: string(s.Kind), Phase: s.Phase, Digest: digest(s)}
		if s.Task != nil {
			recorded.Executor, recorded.Source = s.Task.Executor.Kind(), s.Task.Source.Name
		}
		steps = append(steps, recorded)
	}
	return steps
}
