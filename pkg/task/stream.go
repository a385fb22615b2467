package task

// Stream is the origin of output.
type Stream string

// The two streams of a program, and the notes of this program about it, a line at a time.
const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
	Note   Stream = "note"
)

// Output is a piece of a task's output, byte for byte.
type Output struct {
	// Target is the pod that printed it; empty when the task runs in one place only.
	Target string
	Stream Stream
	// Data holds whole lines, or a part of a line that is longer than the runner's buffer. It is valid only during the
	// call.
	Data []byte
}

// Sink takes the output of a task. It may block, which slows the task down. It is safe for concurrent use.
type Sink func(Output)
