package plan

import (
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Kind tells what a step does.
type Kind string

// The kinds of steps: a task, or one of Helm's own.
const (
	// Task runs a task.
	Task Kind = "task"
	// Apply is Helm's install or upgrade.
	Apply Kind = "apply"
	// Finish waits for the end of Helm's install or upgrade, which may itself wait for readiness
	// and run hooks, while mid tasks run.
	Finish Kind = "finish"
	// Ready waits until the release's workloads are rolled out.
	Ready Kind = "ready"
	// Delete is Helm's uninstall.
	Delete Kind = "delete"
	// RollBack takes back what Helm did, after a task failed.
	RollBack Kind = "rollback"
	// Object waits until an object that a task needs is ready.
	Object Kind = "object"
)

// Release names what the steps are about.
type Release struct {
	Name      string
	Namespace string
}

// Step is one node of a plan.
type Step struct {
	// ID is unique in the plan: the task's name, "helm/apply", "helm/ready", "helm/delete",
	// "helm/rollback", "ready/KIND/NAME" for an object, or "undo/…" for the undo of a task.
	ID   string
	Kind Kind
	// Stage is when the step's turn comes: steps of AtFailure only when one before them failed,
	// steps of AtEnd last, in any case.
	Stage task.Stage
	// Phase is the phase of a task step; empty for the other steps.
	Phase task.Phase
	// Release is what the step belongs to.
	Release Release
	// Task is what a step of kind Task runs; nil otherwise.
	Task *task.Task
	// Object is what a step of kind Object waits for, as KIND/NAME.
	Object string
	// Undoes is the ID of the step whose work this one takes back, in the same run; it runs only when
	// that succeeded. Recorded is the entry of the record whose work it takes back otherwise.
	Undoes, Recorded string
	// Needs are the IDs of the steps that must end well first.
	Needs []string
	// Reason says in a few words why the step is there.
	Reason string
}

// OnlyWaits reports whether the step changes nothing itself: when something else has failed, it can be
// ended.
func (s Step) OnlyWaits() bool { return s.Kind == Finish || s.Kind == Ready || s.Kind == Object }

// Title is how the step is called in messages: the task's name, or what Helm does.
func (s Step) Title() string {
	switch s.Kind {
	case Apply, Delete:
		return s.Reason + " " + s.Release.Name
	case Finish:
		return s.Reason + " " + s.Release.Name + " to the end"
	case RollBack:
		return "roll " + s.Release.Name + " back"
	case Ready:
		return "wait until " + s.Release.Name + " is ready"
	case Object:
		return "wait until " + s.Object + " is ready"
	case Task:
	}
	return s.ID
}

// Plan is what an operation will do: steps such that each stands after all it needs.
type Plan struct {
	Operation task.Operation
	Release   Release
	Steps     []Step
	// Omitted are the tasks that have no place in the operation, and why.
	Omitted []Omitted
}

// Omitted is a task that a plan leaves out.
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
