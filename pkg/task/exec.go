package task

// PodLabel is the label by which Draft marks the pods of an application (spec draft.md § 1.4). Of the workloads of a
// release, an Exec without a target prefers those whose pods have it.
const PodLabel = "draft"

// Exec runs a program in running pods: the pods of a workload, a Service or a pod, the pods that a selector matches or, with
// neither, the pods of the release.
type Exec struct {
	Command Command
	// Env are variables, as NAME=VALUE, that are added to the program's environment.
	Env []string
	// Target is KIND/NAME, with any of kubectl's names for the kind.
	Target string
	// Selector is a label selector, in the namespace of the release.
	Selector string
	// Container is the container's name; empty means the pod's default container.
	Container string
	// Pods is the number of ready pods in which it runs.
	Pods Count
	// AllowEmpty skips the task when there is no pod; otherwise the task fails.
	AllowEmpty bool
	// Scale scales a workload without replicas to one replica while the task needs it.
	Scale bool
	// Parallel is the number of pods in which it runs at the same time; 0 and 1 mean one after another.
	Parallel int
	// Unready includes running pods that are not Ready.
	Unready bool
}

// Kind returns "exec".
func (Exec) Kind() string { return "exec" }

// Argv returns the program and its arguments.
func (e Exec) Argv() []string { return e.Command.Argv }

// Text returns the command as written, and whether pods that are not ready are included.
func (e Exec) Text() string {
	if e.Unready {
		return "(ready or not) " + e.Command.Text
	}
	return e.Command.Text
}

func (Exec) executor() {}
