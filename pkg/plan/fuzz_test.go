package plan

import (
	"fmt"
	"slices"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// FuzzBuild: for all needs there is a plan in which each step comes after all that it needs, or an error that says why
// there is none.
func FuzzBuild(f *testing.F) {
	f.Add([]byte{0, 0, 1, 1, 2, 3}, uint8(0))
	f.Add([]byte{1, 0b10, 1, 0b1}, uint8(1)) // a circle
	f.Add([]byte{7, 0, 8, 1, 2, 2}, uint8(2))
	phases := []task.Phase{"", "pre-deploy", "mid-deploy", "post-deploy", "pre-install", "post-upgrade", "pre-uninstall", "post-rollback", "on-failure", "finally", "no-phase"}
	operations := []task.Operation{task.Install, task.Upgrade, task.Uninstall, task.Rollback}
	f.Fuzz(func(t *testing.T, data []byte, operation uint8) {
		var tasks []task.Task
		for i := 0; i+1 < len(data) && i < 16; i += 2 {
			d := define(fmt.Sprintf("t%d %s", i/2, phases[int(data[i])%len(phases)]+"-"))
			for bit := range 8 {
				if data[i+1]&(1<<bit) != 0 {
					d.Needs = append(d.Needs, fmt.Sprintf("t%d", bit))
				}
			}
			tasks = append(tasks, d)
		}
		p, err := Build(operations[int(operation)%len(operations)], Release{Name: "web"}, tasks)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		var before []string
		for _, s := range p.Steps {
			for _, need := range s.Needs {
				if !slices.Contains(before, need) {
					t.Errorf("%s comes before %s, which it needs", s.ID, need)
				}
			}
			if slices.Contains(before, s.ID) {
				t.Errorf("%s is in the plan twice", s.ID)
			}
			before = append(before, s.ID)
		}
	})
}
