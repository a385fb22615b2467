package task

// State is how a task ended.
type State string

// The states. A task ends in exactly one of them.
const (
	// Succeeded means that an explicit success was seen.
	Succeeded State = "Succeeded"
	// Failed means that an explicit failure was seen.
	Failed State = "Failed"
	// Skipped means that there was nothing to do, and the reason says why.
	Skipped State = "Skipped"
	// Cancelled means that the user or a limit stopped it, and it is known to have stopped.
	Cancelled State = "Cancelled"
	// Unknown means that nobody saw the end: it may have succeeded, failed, or still run.
	Unknown State = "Unknown"
	// NotRun means that it was never started.
	NotRun State = "NotRun"
)

// Good reports whether whatever needs the task may start.
func (s State) Good() bool { return s == Succeeded || s == Skipped }

// Result is the end of one task.
type Result struct {
	State State
	// ExitCode is the program's own code; nil when there was none or nobody saw it. For a task
	// with several targets it is the first one that is not 0.
	ExitCode *int
	// Reason is one CamelCase word, such as "ExitCode" or "ConnectionLost".
	Reason string
	// Message is for people: what happened and what to do.
	Message string
	// Attempts is how often it was tried; 0 when the engine did not count.
	Attempts int
	// Targets are the single places of a task that ran in more than one, in order.
	Targets []Target
	// Files are the texts of the task's files that hold outputs, by path, as far as there are such
	// files; a runner reads them.
	Files map[string]string
	// Outputs are the task's outputs, by name; the engine makes them, but for those that are the
	// executor's own.
	Outputs map[string]Value
	// CleanUp removes what the task's end was read from, such as its pod; nil when nothing is left. It
	// is for after the end was recorded, so that a process which dies before that leaves it to be read.
	CleanUp func()
}

// Tidy calls CleanUp, once.
func (r *Result) Tidy() {
	if r.CleanUp != nil {
		r.CleanUp()
		r.CleanUp = nil
	}
}

// Target is the end of a task in one container of one pod.
type Target struct {
	Pod       string
	Container string
	State     State
	ExitCode  *int
	Message   string
}

// Stream is where a program wrote something.
type Stream string

// The two streams of a program, and what is said about it while it runs, a line at a time.
const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
	Note   Stream = "note"
)

// Output is a piece of what a task printed, byte for byte.
type Output struct {
	// Target is the pod that printed it; empty when the task runs in one place only.
	Target string
	Stream Stream
	// Data holds whole lines, or a part of a line that is longer than the runner buffers. It is
	// valid only during the call.
	Data []byte
}

// Sink takes what a task prints. It may block, which slows the task down; it is safe for
// concurrent use.
type Sink func(Output)
