package report

import (
	"io"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Bare shows a run of one task as if its program had been called directly: what it prints, byte
// for byte, and nothing else. Whether a terminal reads it is for the writers to know (see Plain). When a second source prints, or a step ends other than well, the
// lines are those of Text.
type Bare struct {
	// Stdout is nil when what the program prints there goes its own way; see engine.Engine.Data.
	Stdout, Stderr io.Writer
	// Hid is said when a secret was taken out of standard output; may be empty.
	Hid string
	// Text takes what has no place in the bare output.
	Text *Text
}

// Emit shows one event. It is for engine.Engine.Emit, which calls it for one event at a time.
func (b *Bare) Emit(e engine.Event) {
	switch e := e.(type) {
	case engine.StepStarted:
	case engine.StepOutput:
		if e.Output.Target != "" || e.Output.Stream == task.Note {
			b.Text.Emit(e)
			return
		}
		w := b.Stdout
		if e.Output.Stream == task.Stderr {
			w = b.Stderr
		}
		if w != nil {
			_, _ = w.Write(e.Output.Data)
		}
	case engine.StepRetried:
		b.Text.Emit(e)
	case engine.StepEnded:
		if e.Result.State != task.Succeeded {
			b.Text.Emit(e)
		}
		if e.Result.Masked && b.Hid != "" {
			b.Text.line("note: %s", b.Hid)
		}
	}
}
