package action

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/helm"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func TestExitCode(t *testing.T) {
	plain := errors.New("x")
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"none", nil, 0},
		{"any", plain, 1},
		{"usage", UsageError{plain}, 3},
		{"definitions", task.Diagnostics{{Severity: task.Error}}, 3},
		{"a definition", task.Position{}.Errorf("x"), 3},
		{"refused", RefusedError{Message: "x"}, 4},
		{"preflight", &release.PreflightError{Err: plain}, 4},
		{"a preflight that found a wrong name", UsageError{&release.PreflightError{Err: plain}}, 3},
		{"unknown", RunError{5, plain}, 5},
		{"own code", RunError{42, plain}, 42},
		{"timeout", RunError{124, plain}, 124},
		{"interrupt", Interrupted{os.Interrupt}, 130},
		{"terminate", Interrupted{syscall.SIGTERM}, 143},
		{"a run that was interrupted", RunError{143, Interrupted{syscall.SIGTERM}}, 143},
		{"silent", SilentError{3}, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ExitCode(tt.err); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
			if tt.err == nil {
				return
			}
			if got := ExitCode(fmt.Errorf("wrapped: %w", tt.err)); got != tt.want {
				t.Errorf("wrapped: %d, want %d", got, tt.want)
			}
		})
	}
}

// TestFailureCode has the rows of docs/commands.md.
func TestFailureCode(t *testing.T) {
	ended := func(state task.State, reason string) engine.StepResult {
		return engine.StepResult{Step: plan.Step{Kind: plan.Task, Task: &task.Task{}}, Result: task.Result{State: state, Reason: reason, Attempts: 1}}
	}
	byHelm := func(state task.State, reason string) engine.StepResult {
		return engine.StepResult{Step: plan.Step{Kind: plan.Apply}, Result: task.Result{State: state, Reason: reason}}
	}
	again, earlier, tolerated := ended(task.Failed, "NotCreated"), ended(task.Failed, "NotCreated"), ended(task.Failed, "ExitCode")
	again.Attempts, earlier.Prior, tolerated.Step.Task.OnFailure = 2, true, task.Continue
	waited := engine.StepResult{Step: plan.Step{Kind: plan.Object}, Result: task.Result{State: task.Succeeded}}
	refused, plain := &release.PreflightError{Err: errors.New("no namespace")}, errors.New("x")
	tests := []struct {
		name  string
		steps []engine.StepResult
		helm  error
		want  int
	}{
		{"a program's exit code", []engine.StepResult{ended(task.Failed, "ExitCode")}, nil, 1},
		{"not approved", []engine.StepResult{ended(task.Failed, "NotApproved")}, nil, 1},
		{"a pod that the server refuses", []engine.StepResult{ended(task.Failed, "NotCreated")}, nil, 4},
		{"a workload that is not there", []engine.StepResult{ended(task.Failed, "Pods"), ended(task.NotRun, "NotRun")}, nil, 4},
		{"after a wait, which touches nothing", []engine.StepResult{waited, ended(task.Failed, "Template")}, nil, 4},
		{"after a task", []engine.StepResult{ended(task.Succeeded, ""), ended(task.Failed, "NotCreated")}, nil, 1},
		{"after a task that failed and was let pass", []engine.StepResult{tolerated, ended(task.Failed, "NotCreated")}, nil, 1},
		{"after an attempt", []engine.StepResult{again}, nil, 1},
		{"in a resumed run", []engine.StepResult{earlier}, nil, 1},
		{"a namespace that is not there, by Helm", []engine.StepResult{byHelm(task.Failed, helm.Reason)}, fmt.Errorf("INSTALLATION FAILED: %w", refused), 4},
		{"the same after a task", []engine.StepResult{ended(task.Succeeded, ""), byHelm(task.Failed, helm.Reason)}, refused, 1},
		{"Helm's own error", []engine.StepResult{byHelm(task.Failed, helm.Reason)}, plain, 1},
		{"a task's time limit", []engine.StepResult{ended(task.Failed, engine.ReasonTimeout)}, nil, 124},
		{"a need that is not ready in time", []engine.StepResult{{Step: plan.Step{Kind: plan.Object}, Result: task.Result{State: task.Failed, Reason: engine.ReasonTimeout}}}, nil, 124},
		{"Helm's wait", []engine.StepResult{byHelm(task.Failed, helm.Reason)}, fmt.Errorf("INSTALLATION FAILED: %w", &ready.NotReadyError{Waited: time.Second}), 124},
		{"what will not become ready", []engine.StepResult{byHelm(task.Failed, helm.Reason)}, &ready.NotReadyError{}, 1},
		{"a hook that takes too long", []engine.StepResult{byHelm(task.Failed, helm.Reason)}, fmt.Errorf("failed pre-install: %w", errors.Join(plain, helm.TimeoutError{Err: plain})), 124},
		{"a time limit beside another failure", []engine.StepResult{ended(task.Failed, "ExitCode"), ended(task.Failed, engine.ReasonTimeout)}, nil, 124},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := failureCode(engine.Result{Steps: tt.steps}, tt.helm); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
}
