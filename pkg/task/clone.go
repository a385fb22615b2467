package task

import corev1 "k8s.io/api/core/v1"

// Clone runs a new pod made from the pod template of a workload, with another command.
type Clone struct {
	Command Command
	// From is KIND/NAME of the workload, with any of kubectl's names for the kind.
	From string
	// Container is the container that gets the command; empty means the default container.
	Container string
	// Sidecars are the other containers of the template that the pod keeps.
	Sidecars []string
	// Env is added to the container's own variables and overrides them. Variables in Without are removed.
	Env     []corev1.EnvVar
	Without []string
	// All runs the command in every container of the template at once, whatever Container is.
	All bool
	// Next uses the template as Helm is going to apply it, not as it is in the cluster.
	Next bool
	// Queue keeps the label by which Kueue queues the workload's pods.
	Queue bool
	// Labels and Annotations are added to those that this program sets on the pod.
	Labels, Annotations map[string]string
}

// Kind returns "clone".
func (Clone) Kind() string { return "clone" }

// Argv returns the program and its arguments.
func (c Clone) Argv() []string { return c.Command.Argv }

// Text returns the workload, and the command as written.
func (c Clone) Text() string { return c.From + " " + c.Command.Text }

func (Clone) executor() {}
