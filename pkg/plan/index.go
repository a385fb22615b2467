package plan

import (
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// index finds tasks by name and phase.
type index struct {
	tasks   []task.Task
	byName  map[string]*task.Task
	byPhase map[task.Phase][]string
}

func newIndex(tasks []task.Task) *index {
	x := &index{tasks: tasks, byName: make(map[string]*task.Task, len(tasks)), byPhase: map[task.Phase][]string{}}
	for i := range tasks {
		t := &tasks[i]
		if x.byName[t.Name] == nil {
			x.byName[t.Name] = t
		}
		x.byPhase[t.Phase] = append(x.byPhase[t.Phase], t.Name)
	}
	return x
}

// needed is the kind of thing that a need names.
type needed int

const (
	needsNothing needed = iota
	needsTasks
	needsObject
)

// resolve returns what a need names: a task, the tasks of a phase, or an object. The names are those of tasks.
func (x *index) resolve(need string) (needed, []string) {
	switch {
	case x.byName[need] != nil:
		return needsTasks, []string{need}
	case task.Phase(need).Known():
		return needsTasks, slices.Clone(x.byPhase[task.Phase(need)])
	case isObject(need):
		return needsObject, nil
	}
	return needsNothing, nil
}

// isObject reports whether a need has the form KIND/NAME.
func isObject(need string) bool {
	kind, name, ok := strings.Cut(need, "/")
	return ok && kind != "" && name != "" && !strings.Contains(name, "/") && !strings.ContainsAny(need, " \t\n")
}
