package preflight

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestRightsOf: a plan needs the rights of its record, its storage and its tasks; those that are skipped need none.
func TestRightsOf(t *testing.T) {
	command := task.Command{Argv: []string{"x"}}
	step := func(e task.Executor, skip string) plan.Step {
		return plan.Step{Kind: plan.Task, Task: &task.Task{Name: "t", Executor: e, Skip: skip}}
	}
	wait := []string{"get statefulsets.apps", "list statefulsets.apps", "watch statefulsets.apps"}
	leases := []string{"get leases.coordination.k8s.io", "create leases.coordination.k8s.io", "update leases.coordination.k8s.io", "delete leases.coordination.k8s.io"}
	storage := []string{"get secrets", "list secrets", "create secrets", "update secrets", "delete secrets"}
	for _, tt := range []struct {
		name   string
		steps  []plan.Step
		place  record.Place
		driver string
		want   []string
	}{
		{"no task", []plan.Step{{Kind: plan.Apply}}, record.Cluster, "", storage},
		{"releases in memory", []plan.Step{{Kind: plan.Delete}}, record.Cluster, "memory", nil},
		{"this machine", []plan.Step{step(task.Host{Command: command}, "")}, record.Auto, "", nil},
		{"not recorded", []plan.Step{step(task.Wait{Object: "sts/db"}, "")}, record.None, "", wait},
		{"recorded here", []plan.Step{step(task.Wait{Object: "sts/db"}, "")}, record.Local, "", wait},
		{"skipped", []plan.Step{step(task.Wait{Object: "sts/db"}, "not today")}, record.Local, "", nil},
		{"recorded in the cluster", []plan.Step{step(task.Host{Command: command}, "")}, record.Cluster, "", slices.Concat(leases, []string{"get secrets", "create secrets", "update secrets"})},
		{"a right that one task requires and another does not", []plan.Step{{Kind: plan.RollBack}, step(task.Host{Command: command}, "")}, record.Auto, "", storage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, a := range RightsOf(plan.Plan{Steps: tt.steps}, tt.place, tt.driver) {
				if !a.Optional {
					got = append(got, a.String())
				}
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
