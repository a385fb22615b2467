package draft

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// walk visits the expressions of the file in their order.
func (p *parser) walk() {
	var toml unstable.Parser
	toml.Reset(p.text)
	var current *table // nil in a table that Draft does not know
	top := true
	for toml.NextExpression() {
		node := toml.Expression()
		switch node.Kind { //nolint:exhaustive // the only other kind is a comment
		case unstable.Table, unstable.ArrayTable:
			current, top = p.header(node), false
		case unstable.KeyValue:
			switch {
			case top:
				p.topLevel(node)
			case current != nil:
				p.task(*current, node)
			}
		}
	}
}

// header reads [name] or [[name]] and returns Draft's table of that name, or nil.
func (p *parser) header(node *unstable.Node) *table {
	keys, offset := key(node)
	t, known := tableByName(keys[0])
	switch {
	case !known:
		p.unknown(keys[0], offset)
	case node.Kind == unstable.ArrayTable:
		p.errorAt(offset, "", fmt.Sprintf("write [%s]", t.name), "[[%s]] is a list of tables; Draft finds no task in it", strings.Join(keys, "."))
	case len(keys) > 1:
		p.errorAt(offset, "", taskForm(t), "[%s] is a table in [%s], which can contain only tasks", strings.Join(keys, "."), t.name)
	default:
		return &t
	}
	return nil
}

// topLevel reads a key outside of all tables. Only an inline table can have tasks.
func (p *parser) topLevel(node *unstable.Node) {
	keys, offset := key(node)
	t, known := tableByName(keys[0])
	value := node.Value()
	switch {
	case !known:
		p.unknown(keys[0], offset)
	case len(keys) > 1:
		p.errorAt(offset, "", taskForm(t), "the key %q has dots, which Draft does not allow", strings.Join(keys, "."))
	case value.Kind != unstable.InlineTable:
		p.errorAt(offset, "", taskForm(t), "%s is %s; Draft finds no task in it", keys[0], kindName(value.Kind))
	default:
		children := value.Children()
		for children.Next() {
			if child := children.Node(); child.Kind == unstable.KeyValue {
				p.task(t, child)
			}
		}
	}
}

// task reads description = "command".
func (p *parser) task(t table, node *unstable.Node) {
	keys, offset := key(node)
	value := node.Value()
	description := keys[0]
	switch {
	case len(keys) > 1:
		p.errorAt(offset, "", fmt.Sprintf("put the description in quotes: %q", strings.Join(keys, ".")),
			"the description %s has dots, which make it a table", strings.Join(keys, "."))
		return
	case value.Kind != unstable.String:
		p.errorAt(valueOffset(value, offset), "", taskForm(t), "task %q of [%s] is %s, not a string", description, t.name, kindName(value.Kind))
		return
	}
	name := t.name + "/" + description
	position := p.position(offset)
	if first, twice := p.seen[name]; twice {
		p.errorAt(offset, name, "", "task %q of [%s] is defined twice, first at %s", description, t.name, first)
		return
	}
	p.seen[name] = position

	at := valueOffset(value, offset)
	command := string(value.Data)
	switch {
	case strings.Trim(command, " \t\r\n") == "":
		p.errorAt(at, name, "", "task %q has an empty command", description)
		return
	case strings.HasPrefix(command, " ") && !p.opts.Shell:
		p.errorAt(at, name, "remove the space", "the command of task %q starts with a space, so the name of its program is empty", description)
		return
	case strings.Contains(command, "\x00"):
		p.errorAt(at, name, "", "the command of task %q has a NUL character, which arguments cannot contain", description)
		return
	}
	p.found = append(p.found, p.lint(t, name, command, p.position(at))...)
	p.tables = append(p.tables, t)
	p.tasks = append(p.tasks, task.Task{
		Name:     name,
		Phase:    t.phase,
		Executor: p.executor(t, command),
		Policy:   task.Policy{OnFailure: p.onFailure()},
		Position: position,
		Source:   p.opts.Source,
	})
}

func (p *parser) onFailure() task.FailurePolicy {
	if p.opts.Compat {
		return task.Continue
	}
	return task.Fail
}

func (p *parser) executor(t table, text string) task.Executor {
	command := task.Command{Text: text}
	if p.opts.Shell {
		command.Argv = []string{"sh", "-c", text}
	} else {
		for _, argument := range split(text) {
			expanded, names := expand(argument, p.opts.Getenv)
			command.Argv = append(command.Argv, expanded)
			command.Local = append(command.Local, names...)
		}
		slices.Sort(command.Local)
		command.Local = slices.Compact(command.Local)
	}
	if t.inPods {
		return task.Exec{Command: command, Pods: task.All, AllowEmpty: true}
	}
	return task.Host{Command: command}
}

// unknown warns once about a table that Draft ignores.
func (p *parser) unknown(name string, offset int) {
	if p.warned[name] {
		return
	}
	p.warned[name] = true
	p.found = append(p.found, task.Diagnostic{
		Position: p.position(offset), Severity: task.Warning,
		Message: fmt.Sprintf("unknown task type %q; Draft ignores it", "["+name+"]"),
		Hint:    suggestTable(name),
	})
}

// taskForm returns the hint for a task in the wrong form.
func taskForm(t table) string {
	return fmt.Sprintf("below [%s], write: description = \"command\"", t.name)
}

// kindName returns the name of a kind of value, with an article.
func kindName(k unstable.Kind) string {
	switch k { //nolint:exhaustive // the other kinds are not values
	case unstable.String:
		return "a string"
	case unstable.Bool:
		return "a boolean"
	case unstable.Integer:
		return "an integer"
	case unstable.Float:
		return "a float"
	case unstable.Array:
		return "an array"
	case unstable.InlineTable:
		return "a table"
	}
	return "a date or time"
}
