package native

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// FileName is the name of a task file.
const FileName = "tasks.yaml"

// Options are the inputs of Parse in addition to the text.
type Options struct {
	// Source is the document. Its Name is the file in every position.
	Source task.Source
	// Facts are what expressions can refer to. The phase is set for each task.
	Facts expression.Facts
	// Glob returns the paths of the files of the same source that match a pattern, relative to the document.
	Glob func(pattern string) ([]string, error)
	// ReadFile returns the text of another file of the same source, by its path relative to the document. Nil
	// when the source has no other files.
	ReadFile func(path string) ([]byte, error)
	// Runs reports whether a task may run; nil means that all may. The expressions of the others are not
	// evaluated.
	Runs func(name string, phase task.Phase) bool
	// Lenient is for listing and checking tasks: no expressions are evaluated, and a missing required parameter
	// is empty.
	Lenient bool
}

// Parse returns the tasks of a file in its order, and all findings with their positions; no tasks when a finding
// is an error. The file is YAML or JSON, with one or more documents. Parse does not panic for any text.
func Parse(text []byte, options Options) ([]task.Task, task.Diagnostics) {
	p := newParser(options)
	p.parse(text)
	p.found.Sort()
	if p.found.Err() != nil {
		return nil, p.found
	}
	return p.tasks, p.found
}

func newParser(options Options) *parser {
	return &parser{options: options, source: options.Source, declared: map[string]bool{}}
}

func (p *parser) parse(text []byte) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var root yaml.Node
		err := decoder.Decode(&root)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			p.notYAML(err)
			break
		}
		p.document(&root)
	}
}

// apiVersion matches a line that every document of this format has, and no other.
var apiVersion = regexp.MustCompile(`(?m)["']?apiVersion["']?\s*:\s*["']?kubectl-tasks\.io/`)

// Recognises reports whether the text has the apiVersion of this format.
func Recognises(text []byte) bool { return apiVersion.Match(text) }

type parser struct {
	options Options
	source  task.Source
	// facts are those of the options, with the parameters of the document.
	facts    expression.Facts
	declared map[string]bool
	// env are the environment variables that the document declares.
	env []string
	// functions are the functions of the document, by the names of their tasks.
	functions map[string]*Function
	// references are those of the current task.
	references expression.References
	// unevaluated reports that the expressions of the current task are not evaluated.
	unevaluated bool
	// resolving reports that references to the run can be evaluated.
	resolving bool

	tasks []task.Task
	found task.Diagnostics
}

func (p *parser) position(n *yaml.Node) task.Position {
	return task.Position{File: p.source.Name, Line: n.Line, Column: n.Column}
}

func (p *parser) fail(l strict.Error, name string) {
	p.found = append(p.found, task.Diagnostic{
		Position: task.Position{File: p.source.Name, Line: l.Line, Column: l.Column},
		Severity: task.Error, Task: name, Message: l.Message,
	})
}

// yamlLine matches the position in an error of the library.
var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

func (p *parser) notYAML(err error) {
	m := yamlLine.FindStringSubmatch(err.Error())
	line, none := strconv.Atoi(m[1])
	if none != nil {
		line = 1 // the library omits the first line
	}
	p.fail(strict.Error{Line: line, Message: "not YAML: " + strings.TrimPrefix(err.Error(), m[0])}, "")
}
