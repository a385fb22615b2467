package action

import (
	"slices"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// FuzzMerge: whatever two documents say, together they are a plan for each operation, with each task in
// it once or left out with a reason, or an error with a position.
func FuzzMerge(f *testing.F) {
	const head = "apiVersion: kubectl-tasks.io/v1alpha1\nkind: Tasks\ntasks:\n"
	f.Add(head+"- {name: a, phase: pre-deploy, needs: [b], host: {command: [x]}}\n", head+"- {name: b, phase: pre-install, host: {command: [x]}}\n", false)
	f.Add(head+"- {name: a, phase: pre-deploy, needs: [post-deploy], onFailure: rollback, host: {command: [x]}, undo: {host: {command: [y]}}}\n", "[post-deploy]\na = \"b\"\n", true)
	f.Add(head+"- {name: a, host: {command: [\"${tasks.b.status}\"]}}\n", head+"- {name: a, host: {command: [\"${tasks.a.status}\"]}}\n", false)
	f.Fuzz(func(t *testing.T, first, second string, draft bool) {
		secondFormat := "native"
		if draft {
			secondFormat = "draft"
		}
		documents := []format.Document{
			{Source: task.Source{Name: "first", Format: "native"}, Text: []byte(first)},
			{Source: task.Source{Name: "second", Format: secondFormat}, Text: []byte(second)},
		}
		set, err := format.Read(documents, format.Options{Getenv: func(string) (string, bool) { return "", false }, Facts: (&Config{}).facts(task.Install, plan.Release{})})
		if err != nil {
			return
		}
		for _, op := range []task.Operation{task.Install, task.Upgrade, task.Rollback, task.Uninstall} {
			p, err := plan.Build(op, plan.Release{Name: "web"}, set.Tasks)
			if err != nil {
				if ExitCode(err) != ExitUsage {
					t.Errorf("%v is no error of the documents", err)
				}
				continue
			}
			var names []string
			for _, s := range p.Steps {
				if s.Task != nil && s.Undoes == "" {
					names = append(names, s.ID)
				}
			}
			for _, l := range p.Omitted {
				names = append(names, l.Task.Name)
			}
			slices.Sort(names)
			if len(names) != len(set.Tasks) || len(slices.Compact(names)) != len(set.Tasks) {
				t.Errorf("%s: %v of %d tasks", op, names, len(set.Tasks))
			}
		}
	})
}
