package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Choice selects the tasks of a run, by their names or by a phase.
type Choice struct {
	// Names are names of tasks, or the parts of them after their section ("section/part").
	Names []string
	// Phase is a phase, or a section of a file. At most one of Names and Phase is set.
	Phase string
	// Single chooses the only task of a list when neither Names nor Phase is set.
	Single bool
}

// ChoiceError is the reason why no tasks could be chosen.
type ChoiceError struct {
	// Reason says why.
	Reason string
	// Tasks are those that the user can choose from.
	Tasks []task.Task
}

// Error returns the reason with the names of the tasks, a line each.
func (e *ChoiceError) Error() string {
	lines := make([]string, len(e.Tasks))
	for i, t := range e.Tasks {
		lines[i] = "  " + t.Name
	}
	return e.Reason + ":\n" + strings.Join(lines, "\n")
}

// Of returns the chosen ones of the tasks, in the order of the list. The error is a *ChoiceError.
func (c Choice) Of(tasks []task.Task) ([]task.Task, error) {
	switch {
	case c.Phase != "":
		return c.ofPhase(tasks)
	case len(c.Names) > 0:
		return c.named(tasks)
	case len(tasks) == 1 && c.Single:
		return tasks, nil
	}
	return nil, &ChoiceError{"name the tasks to run, or set --phase; the tasks are", tasks}
}

// Includes reports whether a task of that name and phase can be chosen. All can without a choice.
func (c Choice) Includes(name string, phase task.Phase) bool {
	t := task.Task{Name: name, Phase: phase}
	return len(c.Names) == 0 && c.Phase == "" || c.Phase != "" && hasPhase(t, c.Phase) ||
		slices.ContainsFunc(c.Names, func(wanted string) bool { return hasName(t, wanted) })
}

func (c Choice) ofPhase(tasks []task.Task) ([]task.Task, error) {
	var chosen []task.Task
	for _, t := range tasks {
		if hasPhase(t, c.Phase) {
			chosen = append(chosen, t)
		}
	}
	if len(chosen) == 0 {
		return nil, &ChoiceError{fmt.Sprintf("no task has the phase %q; the tasks are", c.Phase), tasks}
	}
	return chosen, nil
}

func (c Choice) named(tasks []task.Task) ([]task.Task, error) {
	chosen := map[string]bool{}
	for _, name := range c.Names {
		t, err := byName(tasks, name)
		if err != nil {
			return nil, err
		}
		chosen[t.Name] = true
	}
	return slices.DeleteFunc(slices.Clone(tasks), func(t task.Task) bool { return !chosen[t.Name] }), nil
}

// byName returns the task of that name, else the only one with that name after its section.
func byName(tasks []task.Task, name string) (task.Task, error) {
	var found []task.Task
	for _, t := range tasks {
		if t.Name == name {
			return t, nil
		}
		if hasName(t, name) {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return task.Task{}, &ChoiceError{fmt.Sprintf("no task has the name %q; the tasks are", name), tasks}
	}
	return task.Task{}, &ChoiceError{fmt.Sprintf("more than one task has the name %q", name), found}
}

// hasPhase reports whether a task is of the phase, or of the section of that name.
func hasPhase(t task.Task, phase string) bool {
	section, _, _ := strings.Cut(t.Name, "/")
	return string(t.Phase) == phase || section == phase
}

// hasName reports whether a task has that name, or that name after its section.
func hasName(t task.Task, name string) bool {
	_, short, ok := strings.Cut(t.Name, "/")
	return t.Name == name || ok && short == name
}
