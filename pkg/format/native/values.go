package native

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// unexpanded are the fields in which expressions are not replaced: ${…} has another meaning in shells and
// JavaScript, and a value in a script could inject code.
var unexpanded = map[string]bool{"shell": true, "code": true}

// expandValues returns the node of an executor with its expressions replaced, except for those that can be
// evaluated only when the task starts.
func (p *parser) expandValues(name string, n *yaml.Node, facts expression.Facts) *yaml.Node {
	copied := *n
	copied.Content = nil
	switch n.Kind {
	case yaml.ScalarNode:
		if n.ShortTag() != "!!str" || !strings.Contains(n.Value, "${") {
			return n
		}
		references, err := expression.ReferencesIn(n.Value)
		if err == nil {
			err = p.addReferences(references)
		}
		if err == nil && p.isDeferred(references) {
			err = facts.Check(references)
		}
		if err == nil && p.evaluates(references) {
			var value string
			if value, err = expression.Expand(n.Value, facts); err == nil {
				copied.Value = value
			}
		}
		if err != nil {
			p.fail(strict.At(n, "task %q: %v", name, err), name)
		}
		copied.Tag, copied.Style = "!!str", yaml.DoubleQuotedStyle
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if !unexpanded[key.Value] {
				value = p.expandValues(name, value, facts)
			}
			copied.Content = append(copied.Content, key, value)
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			copied.Content = append(copied.Content, p.expandValues(name, c, facts))
		}
	case yaml.DocumentNode, yaml.AliasNode: // an expanded document has none inside
	}
	return &copied
}

// addReferences adds the references of an expression to those of its task. The error is an undeclared variable or
// parameter.
func (p *parser) addReferences(references expression.References) error {
	for _, name := range references.Env {
		if !slices.Contains(p.env, name) {
			return fmt.Errorf("env.%s: add %s to the document's env, which declares the variables it reads", name, name)
		}
	}
	for _, name := range references.Params {
		if !p.declared[name] {
			return fmt.Errorf("params.%s is not declared%s", name, strict.Suggestion(name, slices.Sorted(maps.Keys(p.declared))))
		}
	}
	p.references.Tasks = append(p.references.Tasks, references.Tasks...)
	p.references.Env = append(p.references.Env, references.Env...)
	p.references.Run = p.references.Run || references.Run
	return nil
}

// evaluates reports whether expressions with these references are evaluated now.
func (p *parser) evaluates(references expression.References) bool {
	return !p.unevaluated && (p.resolving || !references.Deferred())
}

// isDeferred reports whether expressions with these references are evaluated later. Their other references are
// checked now.
func (p *parser) isDeferred(references expression.References) bool {
	return !p.unevaluated && !p.resolving && references.Deferred()
}

// condition evaluates the field when of a task, and returns why the task is skipped; empty when it runs, or when
// the result is not known yet.
func (p *parser) condition(t Task, n *yaml.Node, facts expression.Facts) string {
	if t.When == "" {
		return ""
	}
	references, err := expression.ReferencesOf(t.When)
	if err == nil {
		err = p.addReferences(references)
	}
	if err == nil && p.isDeferred(references) {
		err = facts.Check(references)
	}
	holds := true
	if err == nil && p.evaluates(references) {
		holds, err = expression.Bool(t.When, facts)
	}
	switch {
	case err != nil:
		p.fail(strict.At(valueAt(n, "when"), "task %q: when: %v", t.Name, err), t.Name)
		return ""
	case holds:
		return ""
	}
	return fmt.Sprintf("%s is false", t.When)
}

// factsOf returns the facts for the expressions of a task.
func (p *parser) factsOf(phase task.Phase) expression.Facts {
	facts := p.facts
	facts.Phase = phase
	return facts
}

// unique returns the elements without duplicates, in order.
func unique[T comparable](all []T) []T {
	var kept []T
	for _, one := range all {
		if !slices.Contains(kept, one) {
			kept = append(kept, one)
		}
	}
	return kept
}
