package keptn

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func (p *parser) fail(at task.Position, name, hint, format string, args ...any) {
	p.found = append(p.found, task.Diagnostic{Position: at, Severity: task.Error, Task: name, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

func (p *parser) warn(at task.Position, name, hint, format string, args ...any) {
	p.found = append(p.found, task.Diagnostic{Position: at, Severity: task.Warning, Task: name, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

func (p *parser) at(n *yaml.Node) task.Position {
	return task.Position{File: p.file, Line: n.Line, Column: n.Column}
}

// failError adds an error at its own position, else at that of the node.
func (p *parser) failError(n *yaml.Node, err error) {
	at := p.at(n)
	if e, ok := errors.AsType[strict.Error](err); ok {
		at.Line, at.Column = e.Line, e.Column
	}
	p.fail(at, "", "", "%v", err)
}

// yamlLine matches the position in an error of the library.
var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// failMissing adds the finding that a definition does not exist. With Lenient it is a warning, because the cluster
// may have the definition.
func (p *parser) failMissing(at task.Position, in, name string) {
	if p.opts.Lenient {
		p.warn(at, in, "", "task definition %q is not in the documents; it must be in the cluster", name)
		return
	}
	where := "in the documents"
	if len(p.opts.Namespaces) > 0 {
		where += ", nor in namespace " + strings.Join(p.opts.Namespaces, " or ")
	}
	p.fail(at, in, "", "task definition %q not found %s (Keptn would wait forever)", name, where)
}
