package plugin

import (
	"errors"
	"fmt"
	"os"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
)

// eventLog is the file of --events; without that flag it takes nothing.
type eventLog struct {
	file  *os.File
	lines *report.Events
	// emit takes an event; nil without the flag.
	emit action.Emit
}

// openEvents opens the file of --events for a run. It is called before the run begins: a file that cannot be opened is an
// error of the command line.
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

// close closes the file, and notes when it does not have all events.
func (l *eventLog) close(a *App) {
	if l.lines == nil {
		return
	}
	lost, err := l.lines.Lost()
	if err = errors.Join(err, l.file.Close()); err != nil {
		a.note(fmt.Sprintf("--events: the file lacks %s of run %s: %v", counted(lost, "event"), l.lines.Run, err))
	}
}
