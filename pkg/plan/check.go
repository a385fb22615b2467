package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// reserved are the prefixes of the IDs of steps that are not tasks.
var reserved = []string{"helm/", "ready/", "ready-before/", "undo/"}

// check finds problems of the tasks themselves.
func (x *index) check() error {
	var found task.Diagnostics
	seen := make(map[string]bool, len(x.tasks))
	for _, t := range x.tasks {
		if err := t.Validate(); err != nil {
			found = append(found, asDiagnostic(err, t))
			continue
		}
		for _, r := range reserved {
			if strings.HasPrefix(t.Name, r) {
				found = append(found, problem(t, fmt.Sprintf("names that start with %q are reserved for the run's own steps", r), ""))
			}
		}
		if seen[t.Name] {
			found = append(found, problem(t, fmt.Sprintf("task %q is defined twice, first at %s", t.Name, x.byName[t.Name].Position), ""))
		}
		seen[t.Name] = true
	}
	for _, t := range x.tasks {
		for _, n := range t.Needs {
			if of, _ := x.resolve(n); of == needsTasks && x.byName[n] == nil && string(t.Phase) == n {
				found = append(found, problem(t, fmt.Sprintf("task %q needs its own phase %s", t.Name, n), ""))
			} else if of == needsNothing {
				found = append(found, problem(t, fmt.Sprintf("task %q needs %q, which is not defined", t.Name, n), x.nearest(n)))
			}
		}
		found = append(found, x.checkReads(t)...)
		if t.Undo != nil {
			found = append(found, x.checkReads(*t.Undo)...)
			found = append(found, x.checkSecrets(*t.Undo)...)
		}
	}
	if err := found.Err(); err != nil {
		return err
	}
	if cycle := x.cycle(); cycle != nil {
		return task.Diagnostics{problem(*x.byName[cycle[0]], "dependency cycle: "+strings.Join(cycle, " → "), "")}
	}
	return nil
}

// checkReads finds references to tasks and outputs that are not defined.
func (x *index) checkReads(t task.Task) task.Diagnostics {
	var found task.Diagnostics
	for _, r := range t.Reads {
		of := x.byName[r.Task]
		if of == nil {
			hint := ""
			if meant := task.Nearest(r.Task, slices.Sorted(maps.Keys(x.byName))); meant != "" {
				hint = fmt.Sprintf("did you mean %q?", meant)
			}
			found = append(found, problem(t, fmt.Sprintf("task %q refers to task %q, which is not defined", t.Name, r.Task), hint))
			continue
		}
		var names []string
		for _, o := range of.Outputs {
			names = append(names, o.Name)
		}
		if r.Output != "" && !slices.Contains(names, r.Output) {
			hint := fmt.Sprintf("task %q has no outputs", r.Task)
			if len(names) > 0 {
				hint = fmt.Sprintf("task %q has %s", r.Task, strings.Join(names, ", "))
			}
			found = append(found, problem(t, fmt.Sprintf("task %q refers to the output %q of task %q, which is not defined", t.Name, r.Output, r.Task), hint))
		}
	}
	return found
}

// checkSecrets finds secret outputs in an undo, which is recorded in the cluster.
func (x *index) checkSecrets(undo task.Task) task.Diagnostics {
	var found task.Diagnostics
	for _, r := range undo.Reads {
		of := x.byName[r.Task]
		if of != nil && slices.ContainsFunc(of.Outputs, func(o task.OutputDefinition) bool { return o.Name == r.Output && o.Secret }) {
			found = append(found, problem(undo, fmt.Sprintf("the undo of task %q refers to the output %q of task %q, which is secret: an undo is recorded in the cluster", undo.Name, r.Output, r.Task), ""))
		}
	}
	return found
}

// nearest suggests a task or phase with a similar name; "" when there is none.
func (x *index) nearest(name string) string {
	names := slices.Sorted(maps.Keys(x.byName))
	for _, p := range task.Phases() {
		names = append(names, string(p))
	}
	if meant := task.Nearest(name, names); meant != "" {
		return fmt.Sprintf("did you mean %q?", meant)
	}
	return ""
}

// checkLater finds needs that only a later stage of the operation could meet.
func (x *index) checkLater(op task.Operation) error {
	var found task.Diagnostics
	for _, t := range x.tasks {
		stage := t.Phase.In(op)
		if stage == task.None {
			continue
		}
		for _, r := range t.Reads {
			if later := x.byName[r.Task].Phase.In(op); later > stage {
				found = append(found, problem(t, fmt.Sprintf("task %q of phase %s refers to task %q, which runs later", t.Name, t.Phase, r.Task), ""))
			}
		}
		for _, n := range t.Needs {
			_, names := x.resolve(n)
			for _, name := range names {
				if later := x.byName[name].Phase.In(op); later > stage {
					found = append(found, problem(t, fmt.Sprintf("task %q of phase %s needs %q, which runs later", t.Name, t.Phase, n), ""))
					break
				}
			}
		}
	}
	return found.Err()
}

func problem(t task.Task, message, hint string) task.Diagnostic {
	return task.Diagnostic{Position: t.Position, Severity: task.Error, Task: t.Name, Message: message, Hint: hint}
}

func asDiagnostic(err error, t task.Task) task.Diagnostic {
	if d, ok := err.(task.Diagnostic); ok { //nolint:errorlint // Validate returns it unwrapped.
		return d
	}
	return problem(t, err.Error(), "")
}
