package plugin

import (
	"errors"
	"fmt"
	"os"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
)

// eventLog is the file of --events; without that flag it takes nothing.
type eventLog struct {
	file  *os.File
	lines *report.Events
}

// openEvents opens the file of --events for a run, which has to be before the run begins: one that cannot be opened is an
// error of the command line.
func (t *taskFlags) openEvents(run string) (*eventLog, error) {
	if t.events == "" {
		return &eventLog{}, nil
	}
	file, err := os.OpenFile(t.events, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, usageError{fmt.Errorf("--events: %w", err)}
	}
	return &eventLog{file, &report.Events{Run: run, To: file}}, nil
}

// emit returns what shows events, and writes them. show may be nil.
func (l *eventLog) emit(show func(engine.Event)) func(engine.Event) {
	switch {
	case l.lines == nil:
		return show
	case show == nil:
		return l.lines.Emit
	}
	return func(e engine.Event) {
		show(e)
		l.lines.Emit(e)
	}
}

// close ends the file, and tells when it has not all events.
func (l *eventLog) close(a *App) {
	if l.lines == nil {
		return
	}
	lost, err := l.lines.Lost()
	if err = errors.Join(err, l.file.Close()); err != nil {
		a.tell(fmt.Sprintf("--events: %d events of run %s are not in the file: %v", lost, l.lines.Run, err))
	}
}
