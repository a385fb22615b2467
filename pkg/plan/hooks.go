package plan

import (
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Hooks returns a plan of the hooks of one event in Helm's order: one after another or, when parallel is set, those of equal
// weight at once. Then the objects that Jobs and Pods may need come before them at each weight.
func Hooks(op task.Operation, release Release, event string, hooks []task.Task, parallel bool) Plan {
	p := Plan{Operation: op, Release: release}
	weight := func(t task.Task) int { return t.Executor.(task.Hook).Weight }
	ends := func(t task.Task) bool { return t.Executor.(task.Hook).RunsToCompletion }
	if parallel {
		hooks = slices.Clone(hooks)
		slices.SortStableFunc(hooks, func(a, b task.Task) int {
			switch {
			case weight(a) != weight(b):
				return weight(a) - weight(b)
			case ends(a) == ends(b):
				return 0
			case ends(a):
				return 1
			}
			return -1
		})
	}
	var before, group []string
	for i := range hooks {
		t := &hooks[i]
		if i > 0 && (!parallel || weight(hooks[i-1]) != weight(*t) || !ends(hooks[i-1])) {
			before, group = group, nil
		}
		p.Steps = append(p.Steps, Step{ID: t.Name, Kind: Task, Stage: task.Mid, Release: release, Task: t, Needs: before, Reason: event})
		group = append(group, t.Name)
	}
	return p
}
