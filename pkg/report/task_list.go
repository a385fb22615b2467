package report

import "github.com/kubectl-tasks/kubectl-tasks/pkg/task"

// TaskList is the output of list -o json. Fields are only added.
type TaskList struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Items      []TaskDetail `json:"items"`
}

// TaskDetail is one task of a TaskList.
type TaskDetail struct {
	Name     string     `json:"name"`
	Phase    task.Phase `json:"phase"`
	Executor string     `json:"executor"`
	// Command is the command as written, without expanded variables.
	Command string   `json:"command"`
	Needs   []string `json:"needs,omitempty"`
	Source  string   `json:"source"`
	Format  string   `json:"format"`
	// Position is file:line:column.
	Position string `json:"position"`
}

// NewTaskList returns the list of tasks, in their order.
func NewTaskList(tasks []task.Task) TaskList {
	list := TaskList{APIVersion: "kubectl-tasks.io/v1alpha1", Kind: "TaskList", Items: []TaskDetail{}}
	for _, t := range tasks {
		list.Items = append(list.Items, TaskDetail{
			Name: t.Name, Phase: t.Phase, Executor: t.Executor.Kind(), Command: t.Executor.Text(),
			Needs: t.Needs, Source: t.Source.Name, Format: t.Source.Format, Position: t.Position.String(),
		})
	}
	return list
}
