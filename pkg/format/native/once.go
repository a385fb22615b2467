package native

import (
	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
)

// evaluateNow evaluates a text that must be known before the run begins.
func (p *parser) evaluateNow(t Task, n *yaml.Node, key, text string, facts expression.Facts) string {
	fail := func(format string, args ...any) {
		p.fail(strict.At(valueAt(n, key), "task %q: %s: "+format, append([]any{t.Name, key}, args...)...), t.Name)
	}
	references, err := expression.ReferencesIn(text)
	if err == nil {
		err = p.addReferences(references)
	}
	switch {
	case err != nil:
		fail("%v", err)
		return ""
	case references.Deferred():
		fail("it must be known before the run starts, and cannot refer to tasks or run")
		return ""
	case p.unevaluated:
		return text
	}
	value, err := expression.Expand(text, facts)
	if err != nil {
		fail("%v", err)
	}
	return value
}

// once returns the key of a task that runs once.
func (p *parser) once(t Task, n *yaml.Node, facts expression.Facts) string {
	if t.Once == "" {
		return ""
	}
	if t.Run == runOnChange {
		p.fail(strict.At(valueAt(n, "once"), "task %q has once and run: onChange; set only one of them", t.Name), t.Name)
	}
	return p.evaluateNow(t, n, "once", t.Once, facts)
}
