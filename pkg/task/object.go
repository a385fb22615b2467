package task

// Object is an object of the cluster that a task made, or that it runs in.
type Object struct {
	// Kind is "Pod" or "Job".
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
	// Container is the one that the task runs in; empty when the object was made for it.
	Container string `json:"container,omitempty"`
}
