package plan

import "github.com/kubectl-tasks/kubectl-tasks/pkg/task"

// Kind is what a step does.
type Kind string

// The kinds of steps: a task, or a step of Helm.
const (
	// Task runs a task.
	Task Kind = "task"
	// Apply is Helm's install or upgrade.
	Apply Kind = "apply"
	// Finish waits for the end of Helm's install or upgrade, which may itself wait for readiness and run hooks, while mid
	// tasks run.
	Finish Kind = "finish"
	// Ready waits until the release's workloads are rolled out.
	Ready Kind = "ready"
	// Delete is Helm's uninstall.
	Delete Kind = "delete"
	// RollBack is Helm's rollback after a task failed.
	RollBack Kind = "rollback"
	// Object waits until an object that a task needs is ready.
	Object Kind = "object"
)

// Release identifies the release of a plan.
type Release struct {
	Name      string
	Namespace string
}

// Step is one node of a plan.
type Step struct {
	// ID is unique in the plan: the task's name, "helm/apply", "helm/ready", "helm/delete", "helm/rollback",
	// "ready/KIND/NAME" for an object, or "undo/…" for the undo of a task.
	ID   string
	Kind Kind
	// Stage is the part of the run in which the step runs: steps of AtFailure only when a step before them failed, steps
	// of AtEnd last, in any case.
	Stage task.Stage
	// Phase is the phase of a task step; empty for the other steps.
	Phase task.Phase
	// Release is the release that the step belongs to.
	Release Release
	// Task is the task of a step of kind Task; nil otherwise.
	Task *task.Task
	// Object is the object that a step of kind Object waits for, as KIND/NAME.
	Object string
	// Undoes is the ID of the step of the same run that this step undoes. The undo runs only when that step succeeded.
	// Recorded is the ID of the ledger entry that the step undoes otherwise.
	Undoes, Recorded string
	// Needs are the IDs of the steps that must succeed first.
	Needs []string
	// Reason says in a few words why the plan has the step.
	Reason string
}

// OnlyWaits reports whether the step changes nothing itself, so that it can be cancelled after a failure.
func (s Step) OnlyWaits() bool { return s.Kind == Finish || s.Kind == Ready || s.Kind == Object }

// Title returns the name of the step in messages: the task's name, or a description of Helm's step.
func (s Step) Title() string {
	switch s.Kind {
	case Apply, Delete:
		return s.Reason + " " + s.Release.Name
	case Finish:
		return "wait until " + s.Reason + " " + s.Release.Name + " has finished"
	case RollBack:
		return "roll back " + s.Release.Name
	case Ready:
		return "wait until " + s.Release.Name + " is ready"
	case Object:
		return "wait until " + s.Object + " is ready"
	case Task:
	}
	return s.ID
}

// Plan is the steps of an operation. Each step comes after all steps that it needs.
type Plan struct {
	Operation task.Operation
	Release   Release
	Steps     []Step
	// Omitted are the tasks that do not run in the operation.
	Omitted []Omitted
}

// Omitted is a task that a plan leaves out, with the reason.
type Omitted struct {
	Task   task.Task
	Reason string
}

// Tasks returns the tasks of the plan, in its order.
func (p Plan) Tasks() []task.Task {
	var tasks []task.Task
	for _, s := range p.Steps {
		if s.Task != nil {
			tasks = append(tasks, *s.Task)
		}
	}
	return tasks
}
