package task

// Read is a reference of a task's expressions to the result of another task.
type Read struct {
	Task string
	// Output is the name of an output; empty for any other part of the result.
	Output string
}

// Deferred resolves what is known only when a task starts, such as outputs of other tasks.
type Deferred interface {
	// Resolve returns what to run or, when the task is skipped, the reason.
	Resolve(values Values) (executor Executor, skip string, err error)
}

// Values are the facts of a run that deferred expressions use.
type Values struct {
	// Run is the state that the run would have if it ended now.
	Run State
	// Tasks are the outcomes of the tasks in Reads, by name. A task that is not part of the run, or has not run, is NotRun.
	Tasks map[string]Outcome
}

// Outcome is the result of a task as other tasks see it.
type Outcome struct {
	State    State
	ExitCode *int
	Outputs  map[string]Value
}
