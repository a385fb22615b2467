package draft

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// maxBytes limits the size of a file.
const maxBytes = 1 << 20

// Options are the inputs of Parse in addition to the text.
type Options struct {
	// Source is the document. Its Name is the file in every position.
	Source task.Source
	// Getenv looks up the variables of $NAME; nil means that none is set.
	Getenv func(string) (string, bool)
	// Shell runs each command unchanged with sh -c. The shell expands the variables, in post-deploy those of
	// the pod.
	Shell bool
	// Compat continues the run after a failed task, as Draft does.
	Compat bool
}

// Parse returns the tasks of a file in its order, and all findings about the file; no tasks when a finding is
// an error. Each task is named "table/description" and needs the previous one of its table.
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
	// tables are the tables of the tasks, at the same indexes.
	tables []table
	found  task.Diagnostics
	// seen are the positions of the tasks, by their names.
	seen   map[string]task.Position
	warned map[string]bool
}

// unixText removes a byte order mark, and the carriage returns of Windows line ends. They would become part of
// multi-line commands.
func unixText(text []byte) []byte {
	return bytes.ReplaceAll(bytes.TrimPrefix(text, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
}

// readable reports whether the text is small enough and UTF-8.
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

// invalidUTF8 returns the offset of the first byte that is not UTF-8.
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
	// The decoder checks all rules of TOML. Only the parser below it returns order and positions.
	var ignored map[string]any
	err := toml.Unmarshal(p.text, &ignored)
	if syntax, ok := errors.AsType[*toml.DecodeError](err); ok {
		row, column := syntax.Position()
		p.found = append(p.found, task.Diagnostic{
			Position: task.Position{File: p.opts.Source.Name, Line: row, Column: p.column(row, column)},
			Severity: task.Error, Message: "not TOML: " + strings.TrimPrefix(syntax.Error(), "toml: "),
		})
		return
	}
	p.walk()
	if err != nil && p.found.Err() == nil {
		p.errorAt(0, "", "", "not TOML: %s", strings.TrimPrefix(err.Error(), "toml: "))
	}
}

// chain makes each task need the previous one of its table: Draft runs them one after another. All tasks of
// post-up run after those of post-deploy, in whatever order the tables are.
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
