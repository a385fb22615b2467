package action

import (
	"errors"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/helm"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestRolledBack: a run was rolled back when something was taken back, by Helm or by an undo.
func TestRolledBack(t *testing.T) {
	at := func(state task.State, reason string) engine.StepResult {
		return engine.StepResult{Step: plan.Step{Stage: task.AtRollback}, Result: task.Result{State: state, Reason: reason}}
	}
	failed := errors.New("UPGRADE FAILED: broken")
	for _, tt := range []struct {
		name  string
		steps []engine.StepResult
		did   string
		want  int
		says  string
	}{
		{"without a rollback", []engine.StepResult{at(task.Skipped, engine.ReasonNotNeeded)}, "", 1, failed.Error()},
		{"Helm rolled back", []engine.StepResult{at(task.Succeeded, "")}, "rolled back to revision 1", 6, failed.Error() + "; rolled back to revision 1"},
		{"Helm had changed nothing", []engine.StepResult{at(task.Skipped, helm.ReasonNotApplied)}, "", 1, failed.Error()},
		{
			"an undo, and Helm had changed nothing",
			[]engine.StepResult{at(task.Succeeded, ""), at(task.Skipped, helm.ReasonNotApplied)},
			"", 6,
			failed.Error() + "; completed tasks were undone, and Helm had changed nothing",
		},
		{"an undo failed", []engine.StepResult{at(task.Failed, "ExitCode"), at(task.Skipped, helm.ReasonNotApplied)}, "", 7, failed.Error() + "; it could not be rolled back"},
	} {
		got := rolledBack(engine.Result{Steps: tt.steps}, tt.did, RunError{ExitFailed, failed})
		if ExitCode(got) != tt.want || got.Error() != tt.says {
			t.Errorf("%s: %d %q, want %d %q", tt.name, ExitCode(got), got, tt.want, tt.says)
		}
	}
	if err := rolledBack(engine.Result{Steps: []engine.StepResult{at(task.Succeeded, "")}}, "x", nil); err != nil {
		t.Error(err)
	}
}
