package report

import (
	"io"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Passthrough shows a run of one task as if its program had been called directly: the bytes that it prints, and
// nothing else. For a terminal, the writers have to be Printers. Output of a second source, notes, and a step that does
// not succeed are shown by Text.
type Passthrough struct {
	// Stdout and Stderr take the program's output. Stdout is nil if standard output takes another way; see
	// engine.Engine.Data.
	Stdout, Stderr io.Writer
	// MaskedNote is shown if secrets were masked in standard output; empty shows nothing.
	MaskedNote string
	// Text shows everything else.
	Text *Text
}

// Emit shows one event. It is for engine.Engine.Emit, which calls it for one event at a time.
func (p *Passthrough) Emit(e engine.Event) {
	switch e := e.(type) {
	case engine.StepStarted:
	case engine.StepOutput:
		if e.Output.Target != "" || e.Output.Stream == task.Note {
			p.Text.Emit(e)
			return
		}
		w := p.Stdout
		if e.Output.Stream == task.Stderr {
			w = p.Stderr
		}
		if w != nil {
			_, _ = w.Write(e.Output.Data)
		}
	case engine.StepRetried:
		p.Text.Emit(e)
	case engine.StepEnded:
		if e.Result.State != task.Succeeded {
			p.Text.Emit(e)
		}
		if e.Result.Masked && p.MaskedNote != "" {
			p.Text.line("note: %s", p.MaskedNote)
		}
	}
}
