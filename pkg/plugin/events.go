package plugin

import (
	"errors"
	"fmt"
	"os"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
)

// eventLog is the file of --events; without the flag it is empty.
type eventLog struct {
	file  *os.File
	lines *report.Events
	// emit takes an event; nil without the flag.
	emit action.Emit
}

// openEvents opens the file of --events, before the run starts. The error is a usage error.
func (t *taskFlags) openEvents(run string) (*eventLog, error) {
	if t.events == "" {
		return &eventLog{}, nil
	}
	file, err := os.OpenFile(t.events, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, action.Usage(fmt.Errorf("--events: %w", err))
	}
	lines := &report.Events{Run: run, To: file}
	return &eventLog{file, lines, lines.Emit}, nil
}

// close closes the file, and writes a note if events are missing in it.
func (l *eventLog) close(a *App) {
	if l.lines == nil {
		return
	}
	lost, err := l.lines.Lost()
	if err = errors.Join(err, l.file.Close()); err != nil {
		a.note(fmt.Sprintf("--events: the file lacks %s of run %s: %v", counted(lost, "event"), l.lines.Run, err))
	}
}
