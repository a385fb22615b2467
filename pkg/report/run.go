package report

import (
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/mask"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Run is a run in the output of -o json. Fields are only added.
type Run struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	ID         string         `json:"id"`
	Operation  task.Operation `json:"operation"`
	Release    string         `json:"release,omitempty"`
	Namespace  string         `json:"namespace,omitempty"`
	// Revision is the revision of the release that the run created or removed; 0 if there is none.
	Revision  int        `json:"revision,omitempty"`
	Status    task.State `json:"status"`
	ExitCode  int        `json:"exitCode"`
	StartTime time.Time  `json:"startTime"`
	EndTime   time.Time  `json:"endTime"`
	Tasks     []RunTask  `json:"tasks"`
}

// RunTask is one task of a Run. It has no times if it was not started.
type RunTask struct {
	Name      string      `json:"name"`
	Phase     task.Phase  `json:"phase"`
	Source    string      `json:"source"`
	Executor  string      `json:"executor"`
	Status    task.State  `json:"status"`
	ExitCode  *int        `json:"exitCode,omitempty"`
	Reason    string      `json:"reason,omitempty"`
	Message   string      `json:"message,omitempty"`
	StartTime *time.Time  `json:"startTime,omitempty"`
	EndTime   *time.Time  `json:"endTime,omitempty"`
	Attempts  int         `json:"attempts"`
	Targets   []RunTarget `json:"targets,omitempty"`
	// Outputs are the task's outputs, with secret ones masked.
	Outputs map[string]any `json:"outputs,omitempty"`
}

// RunTarget is the result of a task in one pod.
type RunTarget struct {
	Pod       string     `json:"pod"`
	Container string     `json:"container"`
	Status    task.State `json:"status"`
	ExitCode  *int       `json:"exitCode,omitempty"`
	Message   string     `json:"message,omitempty"`
}

// NewRun returns the run of a plan with this result. The caller sets ID, Revision and ExitCode.
func NewRun(p plan.Plan, result engine.Result) *Run {
	run := &Run{
		APIVersion: "kubectl-tasks.io/v1alpha1",
		Kind:       "Run",
		Operation:  p.Operation,
		Release:    p.Release.Name,
		Namespace:  p.Release.Namespace,
		Status:     result.State(),
		StartTime:  result.Start.UTC(),
		EndTime:    result.End.UTC(),
		Tasks:      []RunTask{},
	}
	for _, s := range result.Steps {
		notNeeded := s.Step.Undoes != "" && s.State == task.Skipped
		if s.Step.Task != nil && !notNeeded {
			run.Tasks = append(run.Tasks, newRunTask(s))
		}
	}
	return run
}

func newRunTask(s engine.StepResult) RunTask {
	t := RunTask{
		Name:     s.Step.ID,
		Phase:    s.Step.Phase,
		Source:   s.Step.Task.Source.Name,
		Executor: s.Step.Task.Executor.Kind(),
		Status:   s.State,
		ExitCode: s.ExitCode,
		Reason:   s.Reason,
		Message:  s.Message,
	}
	if !s.Start.IsZero() {
		start, end := s.Start.UTC(), s.End.UTC()
		t.StartTime, t.EndTime, t.Attempts = &start, &end, s.Attempts
	}
	for _, target := range s.Targets {
		t.Targets = append(t.Targets, RunTarget{
			Pod: target.Pod, Container: target.Container, Status: target.State,
			ExitCode: target.ExitCode, Message: target.Message,
		})
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
