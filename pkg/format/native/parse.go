package native

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// FileName is what a task file is called.
const FileName = "tasks.yaml"

// maxTasks is how many tasks a document may have.
const maxTasks = 10_000

// maxRetries is how often a task may be tried again.
const maxRetries = 1000

// Options are what the result depends on besides the text.
type Options struct {
	Source task.Source
	// Facts are what expressions can refer to. The phase is that of each task.
	Facts expression.Facts
	// Glob returns the paths, from the document, of the files of its source that match a pattern.
	Glob func(pattern string) ([]string, error)
	// ReadFile returns the text of another file of the document's source, by its path from the
	// document; nil when there are none.
	ReadFile func(path string) ([]byte, error)
	// Runs tells of which tasks the expressions are evaluated: those that may run; nil means all.
	Runs func(name string, phase task.Phase) bool
	// Lenient evaluates none, and takes a parameter that must be given for empty when it is not: for looking at tasks.
	Lenient bool
}

// Parse reads a task file, YAML or JSON, of one or more documents. It returns the tasks in the
// order of the file and all findings, with their positions; when one of them is an error, there
// are no tasks. It never panics, whatever the text.
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

// apiVersion is in every document of this format, and of no other.
var apiVersion = regexp.MustCompile(`(?m)["']?apiVersion["']?\s*:\s*["']?kubectl-tasks\.io/`)

// Recognises reports whether the text is a document of this format, as far as its head tells.
func Recognises(text []byte) bool { return apiVersion.Match(text) }

type parser struct {
	options Options
	source  task.Source
	// facts are the options' with the parameters of the document.
	facts    expression.Facts
	declared map[string]bool
	// env are the variables of the machine that the document declares.
	env []string
	// functions are those of the document's tasks, by the name of the task.
	functions map[string]*Function
	// refer are the references of the task that is read.
	refer expression.References
	// looking reports that the expressions of the task are not evaluated.
	looking bool
	// resolving reports that what refers to the run can be evaluated.
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

// yamlLine is how the library tells where something is wrong.
var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

func (p *parser) notYAML(err error) {
	m := yamlLine.FindStringSubmatch(err.Error())
	line, none := strconv.Atoi(m[1])
	if none != nil {
		line = 1 // of the first line the library does not speak
	}
	p.fail(strict.Error{Line: line, Message: "not YAML: " + strings.TrimPrefix(err.Error(), m[0])}, "")
}

func (p *parser) document(root *yaml.Node) {
	expanded, err := strict.Expand(root)
	if err != nil {
		if l, ok := errors.AsType[strict.Error](err); ok {
			p.fail(l, "")
		} else {
			p.fail(strict.At(root, "%v", err), "")
		}
		return
	}
	content := expanded
	if expanded.Kind == yaml.DocumentNode {
		if len(expanded.Content) == 0 {
			return
		}
		content = expanded.Content[0]
	}
	if content.Kind == yaml.ScalarNode && content.ShortTag() == "!!null" {
		return
	}
	var document Document
	wrong := strict.Decode(content, reflect.ValueOf(&document).Elem())
	if content.Kind != yaml.MappingNode {
		for _, l := range wrong {
			p.fail(l, "")
		}
		return
	}
	var nodes []*yaml.Node
	if len(document.Tasks) > 0 {
		nodes = place(content, "tasks").Content
	}
	if document.APIVersion != APIVersion {
		p.fail(strict.At(place(content, "apiVersion"), "apiVersion is %q; write %s", document.APIVersion, APIVersion), "")
	}
	if document.Kind != Kind {
		p.fail(strict.At(place(content, "kind"), "kind is %q; write %s", document.Kind, Kind), "")
	}
	if len(document.Tasks) > maxTasks {
		p.fail(strict.At(place(content, "tasks"), "%d tasks; a document may have %d", len(document.Tasks), maxTasks), "")
	}
	// What is wrong inside of a task keeps no other from being checked; all else does.
	goesOn := p.found.Err() == nil
	broken := map[int]bool{}
	for _, l := range wrong {
		i := l.Within(nodes)
		broken[i], goesOn = true, goesOn && i >= 0
		p.fail(l, "")
	}
	if !goesOn {
		return
	}
	p.params(document.Params, place(content, "params"))
	p.env = document.Env
	p.functions = map[string]*Function{}
	for _, t := range document.Tasks {
		if t.Function != nil {
			p.functions[t.Name] = t.Function
		}
	}
	for i, t := range document.Tasks {
		if broken[i] {
			p.head(t, nodes[i])
		} else {
			p.task(t, nodes[i])
		}
	}
}

// place returns the value of a key, or the mapping itself when it has no such key.
func place(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return n.Content[i+1]
			}
		}
	}
	return n
}

// validName is the form of names: that of a DNS label, because pods and Jobs are called after
// tasks.
var validName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// head checks what all tasks have, and returns the phase and what a failure does.
func (p *parser) head(t Task, n *yaml.Node) (task.Phase, task.FailurePolicy) {
	fail := func(key, format string, args ...any) { p.fail(strict.At(place(n, key), format, args...), t.Name) }
	switch {
	case t.Name == "":
		fail("name", "a task needs a name")
	case !validName.MatchString(t.Name):
		fail("name", "task %q: a name has lower-case letters, digits and hyphens, 63 at most", t.Name)
	}
	phase := task.Phase(t.Phase)
	if phase == "cleanup" {
		phase = task.PostUninstall
	}
	p.needs(t, n)
	if phase != "" && !phase.Known() {
		fail("phase", "task %q: unknown phase %q%s", t.Name, t.Phase, strict.Suggestion(t.Phase, phaseNames()))
	}
	if t.Retries < 0 || t.Retries > maxRetries {
		fail("retries", "task %q: retries is %d; it is at least 0, which is none, and at most %d", t.Name, t.Retries, maxRetries)
	}
	onFailure, ok := policies[t.OnFailure]
	if !ok {
		fail("onFailure", "task %q: onFailure is %q; it is fail, warn, continue or rollback", t.Name, t.OnFailure)
	}
	return phase, onFailure
}

// needs checks the objects among what a task needs. Tasks of other documents may have a slash in their names.
func (p *parser) needs(t Task, n *yaml.Node) {
	for i, at := range place(n, "needs").Content {
		if i >= len(t.Needs) {
			return
		}
		need := t.Needs[i]
		if strings.Contains(need, "${") {
			p.fail(strict.At(at, "task %q needs %q: expressions are not replaced in needs, which must be known before", t.Name, need), t.Name)
		} else if _, _, ok := strings.Cut(need, "/"); ok {
			p.kind(t.Name, "one of the needs", need, at)
		}
	}
}

// task checks a task and adds it.
func (p *parser) task(t Task, n *yaml.Node) {
	phase, onFailure := p.head(t, n)
	p.refer = expression.References{}
	p.looking = p.options.Lenient || p.options.Runs != nil && !p.options.Runs(t.Name, phase)
	facts := p.factsOf(phase)
	given := t
	skip := p.condition(t, n, facts)
	if skip == "" {
		t = p.withValues(t, n, facts)
	}
	runs := p.refer.Run
	read := task.Task{
		Name:     t.Name,
		Phase:    phase,
		Needs:    t.Needs,
		Executor: p.executor(t, n),
		Skip:     skip,
		Outputs:  p.outputs(t, n),
		Reads:    unique(p.refer.Tasks),
		Local:    unique(p.refer.Env),
		Policy:   t.policy(onFailure),
		Position: p.position(n),
		Source:   p.source,
	}
	read.Undo = p.undo(t, n, read)
	read.Once = p.once(t, n, facts)
	read.Changed = p.fingerprint(t, n, facts)
	if t.Job != nil {
		read.Retries = 0 // the cluster itself tries again
	}
	if len(read.Reads) > 0 || runs {
		read.Deferred = &late{options: p.options, facts: facts, env: p.env, declared: p.declared, functions: p.functions, task: given, node: n}
	}
	p.tasks = append(p.tasks, read)
}

// withValues returns the task with the expressions in the texts of its executor replaced.
func (p *parser) withValues(t Task, n *yaml.Node, facts expression.Facts) Task {
	expanded := t
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		index := strict.FieldByName(reflect.TypeFor[Task](), key.Value)
		target := reflect.ValueOf(&expanded).Elem().FieldByIndex(index)
		if target.Kind() != reflect.Pointer || key.Value == "undo" || key.Value == "fingerprint" {
			continue // the other pointers are executors
		}
		target.SetZero()
		for _, l := range strict.Decode(p.expandValues(t.Name, value, facts), target) {
			p.fail(l, t.Name)
		}
	}
	return expanded
}

// policy returns how something is tried, and what its failure does.
func (a Attempts) policy(onFailure task.FailurePolicy) task.Policy {
	return task.Policy{
		Timeout: a.Timeout.std(), TotalTimeout: a.TotalTimeout.std(), IdleTimeout: a.IdleTimeout.std(),
		Retries: a.Retries, Backoff: a.Backoff.std(), Idempotent: a.Idempotent, OnFailure: onFailure,
	}
}

var policies = map[string]task.FailurePolicy{
	"": task.Fail, "fail": task.Fail, "warn": task.Warn, "continue": task.Continue, "rollback": task.RollBack,
}

func phaseNames() []string {
	names := []string{"cleanup"}
	for _, p := range task.Phases() {
		names = append(names, string(p))
	}
	return names
}

// validParam is the form of parameters' names: that of names in expressions.
var validParam = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
