package engine

import (
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// StepResult is the result of one step.
type StepResult struct {
	task.Result
	Step plan.Step
	// Start and End are zero for a step that did not start.
	Start, End time.Time
	// Prior reports that an earlier process of the run produced the result.
	Prior bool
	// Masked reports that a secret was replaced in its standard output.
	Masked bool
}

// Result is the result of a run.
type Result struct {
	Start, End time.Time
	// Steps are in the order of the plan.
	Steps []StepResult
}

// State sums up the steps, without tolerated failures: Unknown when a step is Unknown, else Failed when one failed, else
// Cancelled when one was cancelled or did not run, else Succeeded.
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

// Tolerated reports whether the step failed and its policy lets the run continue.
func (s StepResult) Tolerated() bool {
	return s.State == task.Failed && s.Step.Task != nil && s.Step.Task.OnFailure.Tolerates()
}
