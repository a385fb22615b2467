package plugin

import (
	"sync"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
)

// progress shows a run while it is active: its steps, the chart's hooks, and the objects that it waits for. It is used by
// several goroutines.
type progress struct {
	mu   sync.Mutex
	text report.Text
	// emit is text.Emit, and noted has the notes that were shown.
	emit  action.Emit
	noted map[string]bool
}

func (a *App) newProgress() *progress {
	p := &progress{text: report.Text{Log: a.ErrOut, Stdout: a.ErrOut, Stderr: a.ErrOut}}
	p.emit = action.Locked(&p.mu, p.text.Emit)
	return p
}

// note shows a note, once: several waits of a run can have the same one.
func (p *progress) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.noted[text] {
		return
	}
	if p.noted == nil {
		p.noted = map[string]bool{}
	}
	p.noted[text] = true
	p.text.Lines("note: " + text)
}

// lines shows lines in one piece.
func (p *progress) lines(lines ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.Lines(lines...)
}
