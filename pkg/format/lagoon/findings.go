package lagoon

import (
	"fmt"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func (p *parser) fail(at task.Position, name, hint, format string, args ...any) {
	p.add(task.Error, at, name, hint, format, args...)
}

func (p *parser) warn(at task.Position, name, hint, format string, args ...any) {
	p.add(task.Warning, at, name, hint, format, args...)
}

func (p *parser) add(s task.Severity, at task.Position, name, hint, format string, args ...any) {
	p.found = append(p.found, task.Diagnostic{Position: at, Severity: s, Task: name, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// failures returns the number of errors among the findings.
func (p *parser) failures() int {
	count := 0
	for _, d := range p.found {
		if d.Severity == task.Error {
			count++
		}
	}
	return count
}
