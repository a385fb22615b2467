package engine

import (
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Event is something that happened during a run: StepStarted, StepOutput, StepRetried or StepEnded. Events are for showing
// progress. Decisions depend on the Result that Run returns.
type Event interface{ event() }

// StepStarted reports that a runner was given the step.
type StepStarted struct {
	Time time.Time
	Step plan.Step
}

// StepOutput is output of the step. Output.Data is valid only during the call.
type StepOutput struct {
	Step   plan.Step
	Output task.Output
}

// StepEnded reports the result of a step. It is the only event of a step that did not start.
type StepEnded struct {
	Time   time.Time
	Step   plan.Step
	Result StepResult
}

// StepRetried reports that an attempt failed and that another one follows.
type StepRetried struct {
	Time time.Time
	Step plan.Step
	// Result is the result of the attempt.
	Result task.Result
	// Attempt is the number of the attempt that failed, from 1.
	Attempt int
	// Pause is the time until the next attempt.
	Pause time.Duration
}

func (StepStarted) event() {}
func (StepRetried) event() {}
func (StepOutput) event()  {}
func (StepEnded) event()   {}
