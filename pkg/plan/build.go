package plan

import (
	"fmt"
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The IDs of Helm's steps. Tasks cannot have them: names with a "helm/" section are refused.
const (
	applyID    = "helm/apply"
	finishID   = "helm/finish"
	readyID    = "helm/ready"
	deleteID   = "helm/delete"
	rollbackID = "helm/rollback"
)

// Build returns the plan of op for release. It omits tasks that have no phase in op; a need for one of them counts as met.
// The error has all problems of the tasks at once, as task.Diagnostics: invalid tasks, duplicate names, needs that name
// nothing, cycles, and needs that only a later phase could meet. undos are what a rollback undoes first, in this order.
func Build(op task.Operation, release Release, tasks []task.Task, undos ...RecordedUndo) (Plan, error) {
	x := newIndex(tasks)
	if err := x.check(); err != nil {
		return Plan{}, err
	}
	if err := x.checkLater(op); err != nil {
		return Plan{}, err
	}
	b := builder{index: x, release: release, op: op, known: map[string]bool{}}

	before, mid, after := b.ofStage(task.Before), b.ofStage(task.Mid), b.ofStage(task.After)
	b.addRecordedUndos(undos)
	b.addTasks(before, b.leaves(), "runs before Helm's "+string(op))
	gate := []string{b.add(b.helm(), b.leaves())}
	if len(mid) > 0 {
		b.add(Step{ID: finishID, Kind: Finish, Stage: task.Mid, Reason: "helm " + string(op)}, gate)
	}
	b.addTasks(mid, gate, "runs when Helm has applied the manifests")
	if len(after) > 0 && op != task.Uninstall {
		// Workloads become ready while the mid tasks run. Waiting for them after the mid tasks
		// takes no longer, and all later steps need this one step only.
		ready := Step{ID: readyID, Kind: Ready, Stage: task.Mid, Reason: fmt.Sprintf("%q needs the release to be ready", after[0].Name)}
		gate = []string{b.add(ready, b.leaves())}
	}
	b.addTasks(after, gate, "runs after Helm's "+string(op))
	b.addTasks(b.ofStage(task.AtFailure), nil, "runs after a failure")
	if op == task.Install || op == task.Upgrade {
		b.addRollback()
	}
	b.addTasks(b.ofStage(task.AtEnd), nil, "always runs at the end")
	p := b.plan()
	for _, t := range b.ofStage(task.None) {
		reason := "it has no phase: run it by name"
		if t.Phase != "" {
			reason = fmt.Sprintf("its phase is %s", t.Phase)
		}
		p.Omitted = append(p.Omitted, Omitted{Task: t, Reason: reason})
	}
	return p, nil
}

// BuildRun returns a plan that runs the chosen tasks without Helm. An order among them is kept, and a need for a task that
// is not chosen counts as met. Errors are those of Build.
func BuildRun(release Release, all, chosen []task.Task) (Plan, error) {
	x := newIndex(all)
	if err := x.check(); err != nil {
		return Plan{}, err
	}
	b := builder{index: x, release: release, op: task.Run, known: map[string]bool{}}
	b.addTasks(chosen, nil, "selected")
	return b.plan(), nil
}

type builder struct {
	*index
	release Release
	op      task.Operation
	steps   []Step
	known   map[string]bool
}

// ofStage returns the tasks that run at that stage, in the order of the documents.
func (b *builder) ofStage(stage task.Stage) []task.Task {
	var found []task.Task
	for _, t := range b.tasks {
		if t.Phase.In(b.op) == stage {
			found = append(found, t)
		}
	}
	return found
}

func (b *builder) add(s Step, needs []string) string {
	s.Release, s.Needs = b.release, needs
	b.steps = append(b.steps, s)
	b.known[s.ID] = true
	return s.ID
}

// addTasks adds a step for each task, and one for each object that a task needs.
func (b *builder) addTasks(tasks []task.Task, gate []string, reason string) {
	for i := range tasks {
		t := &tasks[i]
		stage := t.Phase.In(b.op)
		needs := slices.Clone(gate)
		for _, n := range t.Needs {
			switch of, names := b.resolve(n); of {
			case needsTasks:
				if b.byName[n] == nil && task.Phase(n).In(b.op) < stage {
					continue // a phase of an earlier stage: the gate waits for it
				}
				needs = append(needs, names...)
			case needsObject:
				needs = append(needs, b.object(n, stage, gate, t.Name))
			case needsNothing:
			}
		}
		for _, r := range t.Reads {
			if b.byName[r.Task].Phase.In(b.op) == stage {
				needs = append(needs, r.Task)
			}
		}
		b.add(Step{ID: t.Name, Kind: Task, Stage: stage, Phase: t.Phase, Task: t, Reason: reason}, needs)
	}
}

// object returns the ID of the step that waits for an object at that stage.
func (b *builder) object(name string, stage task.Stage, gate []string, needer string) string {
	id := fmt.Sprintf("ready/%s", name)
	if stage == task.Before {
		// The object may be replaced by Helm's step, after which it must become ready again.
		id = fmt.Sprintf("ready-before/%s", name)
	}
	if !b.known[id] {
		b.add(Step{ID: id, Kind: Object, Stage: stage, Object: name, Reason: fmt.Sprintf("%q needs it", needer)}, gate)
	}
	return id
}

func (b *builder) helm() Step {
	if b.op == task.Uninstall {
		return Step{ID: deleteID, Kind: Delete, Stage: task.Mid, Reason: "helm uninstall"}
	}
	return Step{ID: applyID, Kind: Apply, Stage: task.Mid, Reason: "helm " + string(b.op)}
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

// plan returns the plan with its steps in order.
func (b *builder) plan() Plan {
	return Plan{Operation: b.op, Release: b.release, Steps: inOrder(b.pruned())}
}

// pruned returns the steps without needs for steps that the plan does not have.
func (b *builder) pruned() []Step {
	steps := slices.Clone(b.steps)
	for i := range steps {
		needs := slices.DeleteFunc(slices.Clone(steps[i].Needs), func(id string) bool { return !b.known[id] })
		steps[i].Needs = unique(needs)
	}
	return steps
}

// unique returns the IDs without duplicates, in the same order.
func unique(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	return slices.DeleteFunc(ids, func(id string) bool {
		twice := seen[id]
		seen[id] = true
		return twice
	})
}
