package plugin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// choose returns the tasks with the given names or of the given phase, in the order of the list. In a
// document that the user named, a single task needs no name.
func choose(tasks []task.Task, names []string, phase string, named bool) ([]task.Task, error) {
	if len(names) == 0 && phase == "" && len(tasks) == 1 && named {
		return tasks, nil
	}
	if len(names) == 0 && phase == "" {
		return nil, fmt.Errorf("name the tasks to run, or --phase; there are:\n%s", list(tasks))
	}
	if phase != "" {
		var chosen []task.Task
		for _, t := range tasks {
			if ofPhase(t, phase) {
				chosen = append(chosen, t)
			}
		}
		if len(chosen) == 0 {
			return nil, fmt.Errorf("no task is of phase %q; there are:\n%s", phase, list(tasks))
		}
		return chosen, nil
	}
	wanted := map[string]bool{}
	for _, name := range names {
		t, err := byName(tasks, name)
		if err != nil {
			return nil, err
		}
		wanted[t.Name] = true
	}
	return slices.DeleteFunc(slices.Clone(tasks), func(t task.Task) bool { return !wanted[t.Name] }), nil
}

// ofPhase reports whether the task is of the phase, or of the section of its file, called that.
func ofPhase(t task.Task, phase string) bool {
	section, _, _ := strings.Cut(t.Name, "/")
	return string(t.Phase) == phase || section == phase
}

// byName finds a task by its name, or by the part after its section when only one has it.
func byName(tasks []task.Task, name string) (task.Task, error) {
	var found []task.Task
	for _, t := range tasks {
		if t.Name == name {
			return t, nil
		}
		if called(t, name) {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return task.Task{}, fmt.Errorf("no task is called %q; there are:\n%s", name, list(tasks))
	}
	return task.Task{}, fmt.Errorf("more than one task is called %q:\n%s", name, list(found))
}

// called reports whether the name is the task's, or the part after its section.
func called(t task.Task, name string) bool {
	_, short, ok := strings.Cut(t.Name, "/")
	return t.Name == name || ok && short == name
}

func list(tasks []task.Task) string {
	lines := make([]string, len(tasks))
	for i, t := range tasks {
		lines[i] = shown("  %s", t.Name)
	}
	return strings.Join(lines, "\n")
}
