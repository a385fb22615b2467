package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// check finds what is wrong with the tasks themselves.
func check(tasks []task.Task) error {
	var found task.Diagnostics
	byName := map[string]task.Task{}
	for _, t := range tasks {
		if err := t.Validate(); err != nil {
			found = append(found, asDiagnostic(err, t))
			continue
		}
		if strings.HasPrefix(t.Name, "helm/") {
			found = append(found, problem(t, `the names that start with "helm/" are those of Helm's own steps`))
		}
		if first, twice := byName[t.Name]; twice {
			found = append(found, problem(t, fmt.Sprintf("task %q is defined twice, first at %s", t.Name, first.Position)))
			continue
		}
		byName[t.Name] = t
	}
	for _, t := range tasks {
		for _, n := range t.Needs {
			if _, ok := byName[n]; !ok {
				found = append(found, problem(t, fmt.Sprintf("task %q needs %q, which is not defined", t.Name, n)))
			}
		}
	}
	if err := found.Err(); err != nil {
		return err
	}
	if cycle := findCycle(tasks); cycle != nil {
		return task.Diagnostics{problem(byName[cycle[0]], "dependency cycle: "+strings.Join(cycle, " → "))}
	}
	return nil
}

// checkLater finds needs that only a later phase could meet.
func checkLater(before, after []task.Task) error {
	later := map[string]bool{}
	for _, t := range after {
		later[t.Name] = true
	}
	var found task.Diagnostics
	for _, t := range before {
		for _, n := range t.Needs {
			if later[n] {
				found = append(found, problem(t, fmt.Sprintf("task %q of phase %s needs %q, which runs later", t.Name, t.Phase, n)))
			}
		}
	}
	return found.Err()
}

// findCycle returns the names along one cycle, the first repeated at the end, or nil.
func findCycle(tasks []task.Task) []string {
	needs := map[string][]string{}
	for _, t := range tasks {
		needs[t.Name] = t.Needs
	}
	const (
		open   = 1
		closed = 2
	)
	state := map[string]int{}
	var path []string
	var walk func(name string) []string
	walk = func(name string) []string {
		switch state[name] {
		case closed:
			return nil
		case open:
			return append(slices.Clone(path[slices.Index(path, name):]), name)
		}
		state[name] = open
		path = append(path, name)
		for _, n := range needs[name] {
			if cycle := walk(n); cycle != nil {
				return cycle
			}
		}
		path = path[:len(path)-1]
		state[name] = closed
		return nil
	}
	for _, t := range tasks {
		if cycle := walk(t.Name); cycle != nil {
			return cycle
		}
	}
	return nil
}

func problem(t task.Task, message string) task.Diagnostic {
	return task.Diagnostic{Position: t.Position, Severity: task.Error, Task: t.Name, Message: message}
}

func asDiagnostic(err error, t task.Task) task.Diagnostic {
	if d, ok := err.(task.Diagnostic); ok { //nolint:errorlint // Validate returns it unwrapped.
		return d
	}
	return problem(t, err.Error())
}
