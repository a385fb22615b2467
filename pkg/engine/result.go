package engine

import (
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// StepResult is the end of one step.
type StepResult struct {
	task.Result
	Step plan.Step
	// Start and End are zero for a step that never started.
	Start, End time.Time
	// Prior reports that an earlier process of the run did it.
	Prior bool
	// Masked reports that a secret was taken out of what it printed on standard output.
	Masked bool
}

// Result is the end of a run.
type Result struct {
	Start, End time.Time
	// Steps are in the order of the plan.
	Steps []StepResult
}

// State sums the steps up: Unknown when a step is, else Failed when one failed that was not
// allowed to, else Cancelled when one was or did not run, else Succeeded.
func (r Result) State() task.State {
	seen := map[task.State]bool{}
	for _, s := range r.Steps {
		if s.Tolerated() {
			continue
		}
		seen[s.State] = true
	}
	for _, state := range []task.State{task.Unknown, task.Failed, task.Cancelled} {
		if seen[state] {
			return state
		}
	}
	if seen[task.NotRun] {
		return task.Cancelled
	}
	return task.Succeeded
}

// Step returns the result of the step of that kind; false when the plan had none.
func (r Result) Step(kind plan.Kind) (StepResult, bool) {
	for _, s := range r.Steps {
		if s.Step.Kind == kind {
			return s, true
		}
	}
	return StepResult{}, false
}

// Tolerated reports whether the step ended badly and its policy says to go on all the same.
func (s StepResult) Tolerated() bool {
	return s.State == task.Failed && s.Step.Task != nil && s.Step.Task.OnFailure.Tolerates()
}
