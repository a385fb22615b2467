package plan

import (
	"fmt"
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The IDs of Helm's steps. No task can have them: a task's name with a "helm/" section is refused.
const (
	applyID  = "helm/apply"
	readyID  = "helm/ready"
	deleteID = "helm/delete"
)

// Build returns the plan of op for release. Tasks that have no phase in op are left out; a need
// for one of them counts as met. It returns all problems of the tasks at once, as
// task.Diagnostics: invalid tasks, names used twice, needs that name no task, cycles, and needs
// that only a later phase could meet.
func Build(op task.Operation, release Release, tasks []task.Task) (Plan, error) {
	if err := check(tasks); err != nil {
		return Plan{}, err
	}
	b := builder{release: release, known: map[string]bool{}}

	before := filter(tasks, func(t task.Task) bool { return t.Phase.Before(op) })
	after := filter(tasks, func(t task.Task) bool { return t.Phase.After(op) })
	if err := checkLater(before, after); err != nil {
		return Plan{}, err
	}

	for _, t := range before {
		b.addTask(t, nil, "runs before Helm's "+string(op))
	}
	gate := b.add(b.helm(op), b.leaves())
	if len(after) > 0 && op != task.Uninstall {
		ready := Step{ID: readyID, Kind: Ready, Reason: fmt.Sprintf("%q needs the release to be ready", after[0].Name)}
		gate = b.add(ready, []string{gate})
	}
	for _, t := range after {
		b.addTask(t, []string{gate}, "runs after Helm's "+string(op))
	}
	return b.plan(op)
}

// Only returns a plan that runs the given tasks without Helm: an order among them is kept, and a
// need for a task that is not among them counts as met. Errors are those of Build.
func Only(release Release, all, chosen []task.Task) (Plan, error) {
	if err := check(all); err != nil {
		return Plan{}, err
	}
	b := builder{release: release, known: map[string]bool{}}
	for _, t := range chosen {
		b.addTask(t, nil, "asked for")
	}
	return b.plan(task.Run)
}

// filter returns the tasks to keep, in the order of the list.
func filter(tasks []task.Task, keep func(task.Task) bool) []task.Task {
	var kept []task.Task
	for _, t := range tasks {
		if keep(t) {
			kept = append(kept, t)
		}
	}
	return kept
}

type builder struct {
	release Release
	steps   []Step
	known   map[string]bool
}

func (b *builder) add(s Step, needs []string) string {
	s.Release, s.Needs = b.release, needs
	b.steps = append(b.steps, s)
	b.known[s.ID] = true
	return s.ID
}

func (b *builder) addTask(t task.Task, needs []string, reason string) {
	b.add(
		Step{ID: t.Name, Kind: Task, Phase: t.Phase, Task: &t, Reason: reason},
		slices.Concat(needs, t.Needs),
	)
}

func (b *builder) helm(op task.Operation) Step {
	if op == task.Uninstall {
		return Step{ID: deleteID, Kind: Delete, Reason: "helm uninstall"}
	}
	return Step{ID: applyID, Kind: Apply, Reason: "helm " + string(op)}
}

// leaves returns the steps that no other step needs.
func (b *builder) leaves() []string {
	needed := map[string]bool{}
	for _, s := range b.steps {
		for _, n := range s.Needs {
			needed[n] = true
		}
	}
	var ids []string
	for _, s := range b.steps {
		if !needed[s.ID] {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// plan drops the needs that are met by not being there, and sorts the steps: first what needs
// nothing, otherwise as written.
func (b *builder) plan(op task.Operation) (Plan, error) {
	for i := range b.steps {
		b.steps[i].Needs = slices.DeleteFunc(b.steps[i].Needs, func(id string) bool { return !b.known[id] })
	}
	return Plan{Operation: op, Release: b.release, Steps: inOrder(b.steps)}, nil
}
