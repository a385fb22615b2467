package report

import "github.com/kubectl-tasks/kubectl-tasks/pkg/task"

// TaskList is what list -o json prints. Its fields only grow.
type TaskList struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Items      []TaskDetail `json:"items"`
}

// TaskDetail is a task as it was written.
type TaskDetail struct {
	Name     string     `json:"name"`
	Phase    task.Phase `json:"phase"`
	Executor string     `json:"executor"`
	// Command is the text of the author; variables are not expanded.
	Command string   `json:"command"`
	Needs   []string `json:"needs,omitempty"`
	Source  string   `json:"source"`
	Format  string   `json:"format"`
	// Position is file:line:column.
	Position string `json:"position"`
}

// NewTaskList describes tasks for machines.
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
