package engine

import (
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Event is something that happened during a run: StepStarted, StepOutput, StepRetried or StepEnded. Events
// are for showing; what decides is the Result that Run returns.
type Event interface{ event() }

// StepStarted reports that a runner was handed the step.
type StepStarted struct {
	Time time.Time
	Step plan.Step
}

// StepOutput is something the step printed. Output.Data is valid only during the call.
type StepOutput struct {
	Step   plan.Step
	Output task.Output
}

// StepEnded tells how the step ended. Steps that never started have this event only.
type StepEnded struct {
	Time   time.Time
	Step   plan.Step
	Result StepResult
}

// StepRetried reports that an attempt failed and that another follows.
type StepRetried struct {
	Time time.Time
	Step plan.Step
	// Result is the end of the attempt.
	Result task.Result
	// Attempt is the number of the attempt that failed, from 1.
	Attempt int
	// Pause is how long the next one is waited for.
	Pause time.Duration
}

func (StepStarted) event() {}
func (StepRetried) event() {}
func (StepOutput) event()  {}
func (StepEnded) event()   {}
