package draft

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// maxBytes is how large a file may be.
const maxBytes = 1 << 20

// Options are what reading a Draft file depends on besides its text.
type Options struct {
	// Source is the document; its Name is the file in every position.
	Source task.Source
	// Getenv looks up the variables of $NAME; nil means that none is set.
	Getenv func(string) (string, bool)
	// Shell runs each command through sh -c, as it stands: the shell expands variables, those of
	// the pod in post-deploy.
	Shell bool
	// Compat lets the run go on after a failed task, as Draft does.
	Compat bool
}

// Parse returns the tasks of a file in its order, each named "table/description" and needing the
// one before it in its table, and everything there is to say about the file. When one of the
// findings is an error, there are no tasks.
func Parse(text []byte, opts Options) ([]task.Task, task.Diagnostics) {
	if opts.Getenv == nil {
		opts.Getenv = func(string) (string, bool) { return "", false }
	}
	p := &parser{text: unixText(text), opts: opts, seen: map[string]task.Position{}, warned: map[string]bool{}}
	if p.readable() {
		p.parse()
	}
	p.found.Sort()
	if p.found.Err() != nil {
		return nil, p.found
	}
	p.chain()
	return p.tasks, p.found
}

type parser struct {
	text  []byte
	opts  Options
	tasks []task.Task
	// tables holds the table of each task.
	tables []table
	found  task.Diagnostics
	// seen holds where each task was defined.
	seen   map[string]task.Position
	warned map[string]bool
}

// unixText returns a text without what editors on Windows add: a byte order mark, and carriage returns before line
// breaks, which would become part of commands of several lines.
func unixText(text []byte) []byte {
	return bytes.ReplaceAll(bytes.TrimPrefix(text, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
}

// readable checks what no TOML parser need see.
func (p *parser) readable() bool {
	switch {
	case len(p.text) > maxBytes:
		p.errorAt(0, "", "", "the file is larger than %d bytes", maxBytes)
	case !utf8.Valid(p.text):
		p.errorAt(invalidUTF8(p.text), "", "save the file as UTF-8", "the file is not UTF-8 text")
	default:
		return true
	}
	return false
}

func invalidUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return 0
}

func (p *parser) parse() {
	// The whole decoder knows every rule of TOML; the parser below it knows order and position.
	var ignored map[string]any
	err := toml.Unmarshal(p.text, &ignored)
	if syntax, ok := errors.AsType[*toml.DecodeError](err); ok {
		row, column := syntax.Position()
		p.found = append(p.found, task.Diagnostic{
			Position: task.Position{File: p.opts.Source.Name, Line: row, Column: p.characters(row, column)},
			Severity: task.Error, Message: "not TOML: " + strings.TrimPrefix(syntax.Error(), "toml: "),
		})
		return
	}
	p.walk()
	if err != nil && p.found.Err() == nil {
		p.errorAt(0, "", "", "not TOML: %s", strings.TrimPrefix(err.Error(), "toml: "))
	}
}

// walk goes through the expressions of the file in its order.
func (p *parser) walk() {
	var toml unstable.Parser
	toml.Reset(p.text)
	var current *table // nil in a table that is not Draft's
	top := true
	for toml.NextExpression() {
		node := toml.Expression()
		switch node.Kind { //nolint:exhaustive // comments and nothing else
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
		p.errorAt(offset, "", fmt.Sprintf("write [%s]", t.name), "[[%s]] is a list of tables, in which Draft finds no task", strings.Join(keys, "."))
	case len(keys) > 1:
		p.errorAt(offset, "", taskForm(t), "[%s] is a table within [%s], which has only tasks", strings.Join(keys, "."), t.name)
	default:
		return &t
	}
	return nil
}

// topLevel reads a key outside any table: only an inline table can be one of Draft's.
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
		p.errorAt(offset, "", taskForm(t), "%s is %s, in which Draft finds no task", keys[0], kindName(value.Kind))
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
		p.errorAt(at, name, "", "the command of task %q has a NUL character, which no program can be given", description)
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

// chain makes each task need the one before it in its table: Draft runs one after another. What
// is called post-up runs after what is called post-deploy, wherever it stands.
func (p *parser) chain() {
	last := map[string]string{}
	for i, t := range p.tables {
		if previous, ok := last[t.name]; ok {
			p.tasks[i].Needs = []string{previous}
		}
		last[t.name] = p.tasks[i].Name
	}
	for i, t := range p.tables {
		if t.name == "post-up" && len(p.tasks[i].Needs) == 0 && last["post-deploy"] != "" {
			p.tasks[i].Needs = []string{last["post-deploy"]}
		}
	}
}

// unknown warns, once, about a table that Draft has no use for.
func (p *parser) unknown(name string, offset int) {
	if p.warned[name] {
		return
	}
	p.warned[name] = true
	p.found = append(p.found, task.Diagnostic{
		Position: p.position(offset), Severity: task.Warning,
		Message: fmt.Sprintf("unknown task type %q; Draft ignores it", "["+name+"]"),
		Hint:    likely(name),
	})
}

func (p *parser) errorAt(offset int, name, hint, format string, args ...any) {
	p.found = append(p.found, task.Diagnostic{
		Position: p.position(offset), Severity: task.Error, Task: name,
		Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// position returns the line and column of a byte of the file.
func (p *parser) position(offset int) task.Position {
	before := p.text[:min(max(offset, 0), len(p.text))]
	line := bytes.Count(before, []byte("\n"))
	start := bytes.LastIndexByte(before, '\n') + 1
	return task.Position{File: p.opts.Source.Name, Line: line + 1, Column: utf8.RuneCount(before[start:]) + 1}
}

// characters turns a column that counts bytes into one that counts characters.
func (p *parser) characters(row, column int) int {
	lines := bytes.Split(p.text, []byte("\n"))
	if row < 1 || row > len(lines) || column < 1 {
		return column
	}
	line := lines[row-1]
	return utf8.RuneCount(line[:min(column-1, len(line))]) + 1
}

// key returns the parts of a node's key and where it starts.
func key(node *unstable.Node) (parts []string, offset int) {
	it := node.Key()
	for it.Next() {
		if len(parts) == 0 {
			offset = int(it.Node().Raw.Offset)
		}
		parts = append(parts, string(it.Node().Data))
	}
	return parts, offset
}

// valueOffset is where a value starts; some kinds do not tell, then it is the key's place.
func valueOffset(value *unstable.Node, fallback int) int {
	if value.Raw.Length == 0 {
		return fallback
	}
	return int(value.Raw.Offset)
}

func taskForm(t table) string {
	return fmt.Sprintf("below [%s], write: description = \"command\"", t.name)
}

func kindName(k unstable.Kind) string {
	switch k { //nolint:exhaustive // the other kinds are no values
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
