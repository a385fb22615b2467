package task

// Object is an object of the cluster that a task created, or that it runs in.
type Object struct {
	// Kind is "Pod" or "Job".
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
	// Container is the container that the task runs in; empty when the object was created for the task.
	Container string `json:"container,omitempty"`
}
