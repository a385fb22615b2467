package plugin

import (
	"fmt"
	"sync"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
)

// voice is the one that speaks to the user while a run goes on: of steps, of the chart's hooks, and of what is
// waited for, which come from several goroutines.
type voice struct {
	mu   sync.Mutex
	text report.Text
	// noted are the notes that were said.
	noted map[string]bool
}

func (a *App) newVoice() *voice {
	return &voice{text: report.Text{Log: a.ErrOut, Stdout: a.ErrOut, Stderr: a.ErrOut}}
}

// Emit shows an event.
func (v *voice) Emit(e engine.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.text.Emit(e)
}

// note says something beside the steps, once: several waits of a run may have the same to say.
func (v *voice) note(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.noted[text] {
		return
	}
	if v.noted == nil {
		v.noted = map[string]bool{}
	}
	v.noted[text] = true
	v.text.Lines("note: " + text)
}

// waiting says what is waited for, a line for each object.
func (v *voice) waiting(all int, unready []ready.Unready) {
	lines := []string{fmt.Sprintf("waiting for %d of %d objects:", len(unready), all)}
	for _, u := range unready {
		lines = append(lines, fmt.Sprintf("  %s, for %s", u, u.For.Round(time.Second)))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.text.Lines(lines...)
}
