package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestHooks: serial is Helm's order. Parallel is the order of the weights, with hooks that do not run to completion
// first.
func TestHooks(t *testing.T) {
	hook := func(kind, name string, weight int) task.Task {
		return task.Task{Name: name, Executor: task.NewHook(kind, name, weight)}
	}
	hooks := []task.Task{
		hook("ServiceAccount", "account", -5), hook("Job", "a", 0), hook("ConfigMap", "b", 0), hook("Pod", "c", 0), hook("Job", "d", 3),
	}
	for _, c := range []struct {
		parallel bool
		want     []string
	}{
		{false, []string{"account", "a < account", "b < a", "c < b", "d < c"}},
		{true, []string{"account", "b < account", "a < b", "c < b", "d < a c"}},
	} {
		t.Run(fmt.Sprintf("parallel %t", c.parallel), func(t *testing.T) {
			var got []string
			for _, s := range Hooks(task.Install, Release{}, "pre-install", hooks, c.parallel).Steps {
				line := s.ID
				if len(s.Needs) > 0 {
					line += " < " + strings.Join(s.Needs, " ")
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
