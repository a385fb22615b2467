package task

// State is how a task ended.
type State string

// The states. A task ends in exactly one of them.
const (
	// Succeeded means that an explicit success was observed.
	Succeeded State = "Succeeded"
	// Failed means that an explicit failure was observed.
	Failed State = "Failed"
	// Skipped means that there was nothing to do. The reason says why.
	Skipped State = "Skipped"
	// Cancelled means that the user or a limit stopped the task, and that it is known to have stopped.
	Cancelled State = "Cancelled"
	// Unknown means that the end was not observed: the task may have succeeded, have failed, or still run.
	Unknown State = "Unknown"
	// NotRun means that the task was never started.
	NotRun State = "NotRun"
)

// Good reports whether steps that need the task may start.
func (s State) Good() bool { return s == Succeeded || s == Skipped }

// Result is the result of one task.
type Result struct {
	State State
	// ExitCode is the exit code of the program; nil when it has none or is unknown. For a task with several targets it is
	// the first one that is not 0.
	ExitCode *int
	// Reason is one CamelCase word, such as "ExitCode" or "ConnectionLost".
	Reason string
	// Message describes for the user what happened and what to do.
	Message string
	// Attempts is the number of attempts; 0 when the engine did not count them.
	Attempts int
	// Targets are the results in single containers, in order, for a task that ran in more than one.
	Targets []Target
	// Files are the contents of the task's output files that exist, by path. A runner reads them.
	Files map[string]string
	// Outputs are the task's outputs, by name. The engine sets them, except for outputs FromExecutor.
	Outputs map[string]Value
	// CleanUp deletes the objects that hold the task's result, such as its pod; nil when there are none. It is called after
	// the result was recorded, so that a later process can still read the result if this one dies before.
	CleanUp func()
}

// Tidy calls CleanUp, at most once.
func (r *Result) Tidy() {
	if r.CleanUp != nil {
		r.CleanUp()
		r.CleanUp = nil
	}
}

// Target is the result of a task in one container of one pod. Runs are recorded with it: the names of its fields are stored.
type Target struct {
	Pod       string
	Container string
	State     State
	ExitCode  *int
	Message   string
}
