package report

import (
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/mask"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Run is a finished run for machines: the object that -o json prints. Its fields only grow.
type Run struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	ID         string         `json:"id"`
	Operation  task.Operation `json:"operation"`
	Release    string         `json:"release,omitempty"`
	Namespace  string         `json:"namespace,omitempty"`
	// Revision is the release's revision that the run made or met; 0 when there is none.
	Revision  int        `json:"revision,omitempty"`
	Status    task.State `json:"status"`
	ExitCode  int        `json:"exitCode"`
	StartTime time.Time  `json:"startTime"`
	EndTime   time.Time  `json:"endTime"`
	Tasks     []RunTask  `json:"tasks"`
}

// RunTask is one task of a Run. Times are missing when it never started.
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
	// Outputs are the task's outputs; secret ones are masked.
	Outputs map[string]any `json:"outputs,omitempty"`
}

// RunTarget is one pod of a task that ran in pods.
type RunTarget struct {
	Pod       string     `json:"pod"`
	Container string     `json:"container"`
	Status    task.State `json:"status"`
	ExitCode  *int       `json:"exitCode,omitempty"`
	Message   string     `json:"message,omitempty"`
}

// NewRun describes the result of a plan. The caller adds ID, Revision and ExitCode.
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
