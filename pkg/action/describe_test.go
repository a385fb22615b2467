package action

import (
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestStepTitle: status calls each step by the title that it has in the plan.
func TestStepTitle(t *testing.T) {
	host := task.Host{Command: task.Command{Argv: []string{"true"}}}
	undo := &task.Task{Executor: host}
	tasks := []task.Task{
		{Name: "before", Phase: task.PreUpgrade, Needs: []string{"deployment/db"}, Executor: host},
		{Name: "middle", Phase: task.MidDeploy, Executor: host, Undo: undo},
		{Name: "after", Phase: task.PostUpgrade, Needs: []string{"job/a"}, Executor: host, Policy: task.Policy{OnFailure: task.RollBack}},
		{Name: "gone", Phase: task.PostUninstall, Executor: host},
	}
	for _, op := range []task.Operation{task.Upgrade, task.Uninstall} {
		p, err := plan.Build(op, plan.Release{Name: "web"}, tasks)
		if err != nil {
			t.Fatal(err)
		}
		run := &record.Run{Operation: op, Release: "web", Steps: record.NewSteps(p, digestOf)}
		for i, s := range run.Steps {
			if got, want := stepTitle(run, s), p.Steps[i].Title(); got != want {
				t.Errorf("%s: %q, want %q", s.ID, got, want)
			}
		}
	}
}
