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

// params checks the parameters that a document declares and adds their values to the facts: those
// that were given, else the defaults.
func (p *parser) params(declared []Param, n *yaml.Node) {
	facts := p.options.Facts
	facts.Params = maps.Clone(facts.Params)
	if facts.Params == nil {
		facts.Params = map[string]string{}
	}
	for i, param := range declared {
		fail := func(key, format string, args ...any) {
			p.fail(strict.At(place(n.Content[i], key), format, args...), "")
		}
		if !validParam.MatchString(param.Name) {
			fail("name", "parameter %q: a name has letters, digits and underscores, and begins with none of the digits", param.Name)
			continue
		}
		if p.declared[param.Name] {
			fail("name", "parameter %q is declared twice", param.Name)
		}
		p.declared[param.Name] = true
		value, given := p.options.Facts.Params[param.Name]
		switch {
		case given:
		case param.Default != nil:
			value = *param.Default
		case param.Required && !p.options.Lenient:
			fail("name", "parameter %q has no value; give it with --param %s=VALUE", param.Name, param.Name)
		}
		if len(param.Enum) > 0 && (given || param.Default != nil) && !slices.Contains(param.Enum, value) {
			fail("enum", "parameter %q is %q; it is one of %s", param.Name, value, strings.Join(param.Enum, ", "))
		}
		facts.Params[param.Name] = value
	}
	p.facts = facts
}

// Parameters returns the sorted names of the parameters that a text declares, as far as it can be read.
func Parameters(text []byte) []string {
	p := newParser(Options{Lenient: true})
	p.parse(text)
	return slices.Sorted(maps.Keys(p.declared))
}

// unexpanded are the fields whose text is not looked through for ${…}: shells and JavaScript have a
// meaning of their own for it, and a value put into a script would be run as part of it.
var unexpanded = map[string]bool{"shell": true, "code": true}

// expandValues returns the node of an executor with the expressions in its texts replaced, but for
// those that can be evaluated only when the task's turn comes.
func (p *parser) expandValues(name string, n *yaml.Node, facts expression.Facts) *yaml.Node {
	copied := *n
	copied.Content = nil
	switch n.Kind {
	case yaml.ScalarNode:
		if n.ShortTag() != "!!str" || !strings.Contains(n.Value, "${") {
			return n
		}
		refer, err := expression.ReferencesIn(n.Value)
		if err == nil {
			err = p.takeReferences(refer)
		}
		if err == nil && p.waits(refer) {
			err = facts.Check(refer)
		}
		if err == nil && p.evaluates(refer) {
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
	case yaml.DocumentNode, yaml.AliasNode: // neither is left after expanding aliases
	}
	return &copied
}

// takeReferences adds what an expression refers to to the references of its task.
func (p *parser) takeReferences(refer expression.References) error {
	for _, name := range refer.Env {
		if !slices.Contains(p.env, name) {
			return fmt.Errorf("env.%s: add %s to the document's env, which declares the variables it reads", name, name)
		}
	}
	for _, name := range refer.Params {
		if !p.declared[name] {
			return fmt.Errorf("params.%s is not declared%s", name, strict.Suggestion(name, slices.Sorted(maps.Keys(p.declared))))
		}
	}
	p.refer.Tasks = append(p.refer.Tasks, refer.Tasks...)
	p.refer.Env = append(p.refer.Env, refer.Env...)
	p.refer.Run = p.refer.Run || refer.Run
	return nil
}

// evaluates reports whether expressions with these references are evaluated now: not when tasks
// are only looked at, and not before what they refer to is known.
func (p *parser) evaluates(refer expression.References) bool {
	return !p.looking && (p.resolving || !refer.Deferred())
}

// waits reports whether expressions with these references are evaluated later, so that what can be known is
// checked now.
func (p *parser) waits(refer expression.References) bool {
	return !p.looking && !p.resolving && refer.Deferred()
}

// condition evaluates a task's when, and returns why the task is skipped; "" when it is not, or
// when that is not known yet.
func (p *parser) condition(t Task, n *yaml.Node, facts expression.Facts) string {
	if t.When == "" {
		return ""
	}
	refer, err := expression.ReferencesOf(t.When)
	if err == nil {
		err = p.takeReferences(refer)
	}
	if err == nil && p.waits(refer) {
		err = facts.Check(refer)
	}
	holds := true
	if err == nil && p.evaluates(refer) {
		holds, err = expression.Bool(t.When, facts)
	}
	switch {
	case err != nil:
		p.fail(strict.At(place(n, "when"), "task %q: when: %v", t.Name, err), t.Name)
		return ""
	case holds:
		return ""
	}
	return fmt.Sprintf("%s is false", t.When)
}

// factsOf returns what the expressions of a task can refer to.
func (p *parser) factsOf(phase task.Phase) expression.Facts {
	facts := p.facts
	facts.Phase = phase
	return facts
}

func unique[T comparable](all []T) []T {
	var kept []T
	for _, one := range all {
		if !slices.Contains(kept, one) {
			kept = append(kept, one)
		}
	}
	return kept
}

// late is a task whose expressions refer to the run. It implements task.Late.
type late struct {
	options   Options
	facts     expression.Facts
	env       []string
	declared  map[string]bool
	functions map[string]*Function
	task      Task
	node      *yaml.Node
}

// Resolve evaluates the expressions of the task; errors have their positions.
func (l *late) Resolve(values task.Values) (executor task.Executor, skip string, err error) {
	p := newParser(l.options)
	p.env, p.declared, p.functions, p.resolving = l.env, l.declared, l.functions, true
	facts := l.facts
	facts.Deferred = values
	if skip = p.condition(l.task, l.node, facts); skip == "" && p.found.Err() == nil {
		executor = p.executor(p.withValues(l.task, l.node, facts), l.node)
	}
	return executor, skip, p.found.Err()
}
