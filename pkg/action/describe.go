package action

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/mask"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The states of steps that have not ended.
const (
	waits   task.State = "Waiting"
	started task.State = "Started"
)

// stepState returns the state in which a step ended or, when it has not ended, Waiting or Started.
func stepState(s record.Step) task.State {
	switch {
	case s.State != "":
		return s.State
	case s.Attempt > 0:
		return started
	}
	return waits
}

// Object returns a recorded run as -o json shows a run that has just ended.
func (e Entry) Object() *report.Run {
	run := e.Run
	o := &report.Run{
		APIVersion: "kubectl-tasks.io/v1alpha1", Kind: "Run", ID: run.ID, Operation: run.Operation, Release: run.Release,
		Namespace: run.Namespace, Revision: run.Revision, Status: e.State, ExitCode: run.ExitCode, StartTime: run.Start, Tasks: []report.RunTask{},
	}
	if run.End != nil {
		o.EndTime = *run.End
	}
	for _, s := range run.Steps {
		if s.Executor == "" || s.Reason == engine.ReasonNotNeeded && strings.HasPrefix(s.ID, "undo/") {
			continue // a step of Helm, or an undo that was not needed
		}
		o.Tasks = append(o.Tasks, taskObject(s))
	}
	return o
}

// taskObject returns the step of a task as -o json shows it.
func taskObject(s record.Step) report.RunTask {
	t := report.RunTask{
		Name: s.ID, Phase: s.Phase, Source: s.Source, Executor: s.Executor, Status: stepState(s), ExitCode: s.ExitCode,
		Reason: s.Reason, Message: s.Message, StartTime: s.Start, EndTime: s.End, Attempts: s.Attempt,
	}
	for _, target := range s.Targets {
		t.Targets = append(t.Targets, report.RunTarget{Pod: target.Pod, Container: target.Container, Status: target.State, ExitCode: target.ExitCode, Message: target.Message})
	}
	for name, output := range s.Outputs {
		if t.Outputs == nil {
			t.Outputs = map[string]any{}
		}
		if t.Outputs[name] = output.Value; output.Secret {
			t.Outputs[name] = mask.Placeholder
		}
	}
	return t
}

// States reduces a run to the states of its tasks, for List: a table shows only these.
func States(run *record.Run) {
	for i, s := range run.Steps {
		run.Steps[i] = record.Step{ID: s.ID, Executor: s.Executor, State: s.State, Attempt: s.Attempt, Reason: s.Reason}
	}
}

// Status is a recorded run with its steps, for people.
type Status struct {
	Entry

	// Steps are the steps that were needed.
	Steps []StepStatus
	// Hint is a hint how to resume a run that did not succeed; empty if it cannot be resumed, or need not be.
	Hint string
}

// StepStatus is a step of a recorded run.
type StepStatus struct {
	ID string
	// Title is the name of the step in plans and in the output of runs.
	Title string
	Phase task.Phase
	State task.State
	// Start and End are nil when the step has not started or ended.
	Start, End *time.Time
	// Where are the objects that the step has created, or runs in, as KIND/NAME.
	Where   []string
	Message string
}

// status returns a run in a state with its steps.
func (p *Past) status(run *record.Stored, state task.State) Status {
	status := Status{Entry: Entry{&run.Run, state}, Hint: p.hint(run, state)}
	for _, s := range run.Steps {
		if s.Reason == engine.ReasonNotNeeded {
			continue
		}
		v := StepStatus{ID: s.ID, Title: stepTitle(&run.Run, s), Phase: s.Phase, State: stepState(s), Start: s.Start, End: s.End, Message: s.Message}
		for _, o := range s.Created {
			v.Where = append(v.Where, strings.ToLower(o.Kind)+"/"+o.Name)
		}
		status.Steps = append(status.Steps, v)
	}
	return status
}

// stepTitle returns the title of a recorded step (plan.Step.Title).
func stepTitle(run *record.Run, s record.Step) string {
	_, object, _ := strings.Cut(s.ID, "/") // ready/KIND/NAME
	return plan.Step{
		ID: s.ID, Kind: plan.Kind(s.Kind), Release: plan.Release{Name: run.Release}, Object: object, Reason: "helm " + string(run.Operation),
	}.Title()
}

// hint returns a hint how to resume a run that did not succeed; empty if it cannot be resumed, or need not be.
func (p *Past) hint(run *record.Stored, state task.State) string {
	if !slices.Contains([]task.State{Died, task.Failed, task.Unknown, task.Cancelled}, state) || run.RolledBack {
		return ""
	}
	var unknown []string
	for _, s := range run.Steps {
		if s.State == task.Unknown && s.Executor != "" {
			unknown = append(unknown, s.ID)
		}
	}
	if len(unknown) > 0 {
		return p.config.Decide(run.ID, unknown)
	}
	return fmt.Sprintf("hint: '%s resume %s' resumes it", p.config.Name, run.ID)
}
