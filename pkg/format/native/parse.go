package native

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
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
	// looking tells that the expressions of the task are not evaluated.
	looking bool
	// resolving tells that what refers to the run can be evaluated.
	resolving bool

	tasks []task.Task
	found task.Diagnostics
}

func (p *parser) position(n *yaml.Node) task.Position {
	return task.Position{File: p.source.Name, Line: n.Line, Column: n.Column}
}

func (p *parser) fail(l located, name string) {
	p.found = append(p.found, task.Diagnostic{
		Position: task.Position{File: p.source.Name, Line: l.line, Column: l.column},
		Severity: task.Error, Task: name, Message: l.message,
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
	p.fail(located{line: line, message: "not YAML: " + strings.TrimPrefix(err.Error(), m[0])}, "")
}

func (p *parser) document(root *yaml.Node) {
	expanded, err := new(expander).expand(root, 0)
	if err != nil {
		if l, ok := errors.AsType[located](err); ok {
			p.fail(l, "")
		} else {
			p.fail(at(root, "%v", err), "")
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
	d := &decoder{}
	d.decode(content, reflect.ValueOf(&document).Elem())
	if content.Kind != yaml.MappingNode {
		for _, l := range d.errors {
			p.fail(l, "")
		}
		return
	}
	var nodes []*yaml.Node
	if len(document.Tasks) > 0 {
		nodes = place(content, "tasks").Content
	}
	if document.APIVersion != APIVersion {
		p.fail(at(place(content, "apiVersion"), "apiVersion is %q; write %s", document.APIVersion, APIVersion), "")
	}
	if document.Kind != Kind {
		p.fail(at(place(content, "kind"), "kind is %q; write %s", document.Kind, Kind), "")
	}
	if len(document.Tasks) > maxTasks {
		p.fail(at(place(content, "tasks"), "%d tasks; a document may have %d", len(document.Tasks), maxTasks), "")
	}
	// What is wrong inside of a task keeps no other from being checked; all else does.
	goesOn := p.found.Err() == nil
	broken := map[int]bool{}
	for _, l := range d.errors {
		i := l.within(nodes)
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
	fail := func(key, format string, args ...any) { p.fail(at(place(n, key), format, args...), t.Name) }
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
	if phase != "" && !phase.Known() {
		fail("phase", "task %q: unknown phase %q%s", t.Name, t.Phase, suggestion(t.Phase, phaseNames()))
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
		read.Late = &late{options: p.options, facts: facts, env: p.env, declared: p.declared, functions: p.functions, task: given, node: n}
	}
	p.tasks = append(p.tasks, read)
}

// withValues returns the task with the expressions in the texts of its executor replaced.
func (p *parser) withValues(t Task, n *yaml.Node, facts expression.Facts) Task {
	expanded := t
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		index := fieldByName(reflect.TypeFor[Task](), key.Value)
		target := reflect.ValueOf(&expanded).Elem().FieldByIndex(index)
		if target.Kind() != reflect.Pointer || key.Value == "undo" || key.Value == "fingerprint" {
			continue // the other pointers are executors
		}
		d := &decoder{}
		target.SetZero()
		d.decode(p.expandValues(t.Name, value, facts), target)
		for _, l := range d.errors {
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

// executorField is a field of a task that says where and what.
type executorField struct {
	name  string
	given bool
	read  func(Task, *yaml.Node) task.Executor
}

func (p *parser) executors(t Task) []executorField {
	return []executorField{
		{"host", t.Host != nil, p.host},
		{"exec", t.Exec != nil, p.exec},
		{"pod", t.Pod != nil, p.pod},
		{"job", t.Job != nil, p.job},
		{"function", t.Function != nil, p.function},
		{"clone", t.Clone != nil, p.clone},
		{"wait", t.Wait != nil, p.wait},
		{"approve", t.Approve != nil, p.approve},
	}
}

// executor returns what the task runs; nil, after a finding, when that is not one thing.
func (p *parser) executor(t Task, n *yaml.Node) task.Executor {
	executors := p.executors(t)
	var names, chosen []string
	var executor task.Executor
	for _, e := range executors {
		names = append(names, e.name)
		if e.given {
			chosen = append(chosen, e.name)
		}
	}
	switch {
	case len(chosen) == 0:
		p.fail(at(n, "task %q does not say what to run: it needs one of %s", t.Name, strings.Join(names, ", ")), t.Name)
	case len(chosen) > 1:
		p.fail(at(place(n, chosen[1]), "task %q has %s; only one of them can be", t.Name, strings.Join(chosen, " and ")), t.Name)
	default:
		for _, e := range executors {
			if e.given {
				executor = e.read(t, place(n, e.name))
			}
		}
	}
	return executor
}

func (p *parser) host(t Task, n *yaml.Node) task.Executor {
	host := task.Host{Command: p.program(t.Name, t.Host.Program, n), Dir: t.Host.Dir}
	for i, v := range t.Host.Env {
		if v.Name == "" || strings.ContainsAny(v.Name, "=\x00") {
			p.fail(at(place(n, "env").Content[i], "task %q: %q is no name of a variable", t.Name, v.Name), t.Name)
		}
		host.Env = append(host.Env, v.Name+"="+v.Value)
	}
	return host
}

func (p *parser) exec(t Task, n *yaml.Node) task.Executor {
	e := t.Exec
	pods, err := task.ParseCount(string(e.Pods))
	if err != nil {
		p.fail(at(place(n, "pods"), "task %q: %v", t.Name, err), t.Name)
	}
	if e.Target != "" && e.Selector != "" {
		p.fail(at(place(n, "selector"), "task %q has a target and a selector; only one of them can be", t.Name), t.Name)
	}
	if e.Target != "" && !validReference(e.Target) {
		p.fail(at(place(n, "target"), "task %q: the target is %q; write KIND/NAME, such as deployment/web", t.Name, e.Target), t.Name)
	}
	if e.Parallel < 0 {
		p.fail(at(place(n, "parallel"), "task %q: parallel is %d; 1 is one after another", t.Name, e.Parallel), t.Name)
	}
	if e.Scale && e.Target == "" {
		p.fail(at(place(n, "scale"), "task %q: scale needs a target, the workload that is to be woken", t.Name), t.Name)
	}
	return task.Exec{
		Scale:   e.Scale,
		Command: p.program(t.Name, e.Program, n),
		Target:  e.Target, Selector: e.Selector, Container: e.Container,
		Pods: pods, Parallel: e.Parallel, AllowEmpty: e.AllowEmpty,
	}
}

// validReference reports whether an object is named as KIND/NAME, or by an expression.
func validReference(object string) bool {
	if strings.Contains(object, "${") {
		return true
	}
	kind, name, ok := strings.Cut(object, "/")
	return ok && kind != "" && name != "" && !strings.Contains(name, "/")
}

func (p *parser) clone(t Task, n *yaml.Node) task.Executor {
	c := t.Clone
	if !validReference(c.From) {
		p.fail(at(place(n, "from"), "task %q: from is %q; write KIND/NAME, such as deployment/web", t.Name, c.From), t.Name)
	}
	if c.Version != "" && c.Version != "current" && c.Version != "next" {
		p.fail(at(place(n, "version"), "task %q: the version is %q; it is current or next", t.Name, c.Version), t.Name)
	}
	return task.Clone{
		Command: p.program(t.Name, c.Program, n), From: c.From, Container: c.Container, Sidecars: c.Sidecars, Env: c.Env,
		Next: c.Version == "next", Queue: c.Queue, Labels: c.Labels, Annotations: c.Annotations,
	}
}

func (p *parser) wait(t Task, n *yaml.Node) task.Executor {
	if !validReference(t.Wait.Object) {
		p.fail(at(place(n, "object"), "task %q: the object is %q; write KIND/NAME, such as deployment/web", t.Name, t.Wait.Object), t.Name)
	}
	if !waitForms.MatchString(t.Wait.For) {
		p.fail(at(place(n, "for"), "task %q: %q cannot be waited for; write ready, deleted, condition=NAME, or jsonpath={.path}=VALUE", t.Name, t.Wait.For), t.Name)
	}
	return task.Wait{Object: t.Wait.Object, For: t.Wait.For}
}

// waitForms are the forms of what can be waited for; whether a JSONPath is one is known to who
// evaluates it.
var waitForms = regexp.MustCompile(`^(|ready|deleted|condition=.+|jsonpath=.+|.*\$\{.*)$`)

func (p *parser) approve(t Task, n *yaml.Node) task.Executor {
	if strings.TrimSpace(t.Approve.Message) == "" {
		p.fail(at(place(n, "message"), "task %q: approve needs a message, which is the question", t.Name), t.Name)
	}
	return task.Approve{Message: t.Approve.Message}
}

// program returns the command of an executor.
func (p *parser) program(name string, program Program, n *yaml.Node) task.Command {
	switch {
	case len(program.Command) > 0 && program.Shell != "":
		p.fail(at(place(n, "shell"), "task %q has command and shell; only one of them can be", name), name)
	case program.Shell != "":
		return task.Command{Argv: []string{"sh", "-c", program.Shell}, Text: program.Shell}
	case len(program.Command) == 0 || program.Command[0] == "":
		p.fail(at(n, "task %q has nothing to run: write command, or shell", name), name)
	}
	for i, argument := range program.Command {
		if strings.Contains(argument, "\x00") {
			p.fail(at(place(n, "command").Content[i], "task %q: an argument has a NUL character, which no program can be given", name), name)
		}
	}
	return task.Command{Argv: program.Command, Text: quoted(program.Command)}
}

// quoted shows a command so that its arguments can be told apart.
func quoted(argv []string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		if words[i] = a; a == "" || strings.ContainsAny(a, " \t\n\"'\\") {
			words[i] = fmt.Sprintf("%q", a)
		}
	}
	return strings.Join(words, " ")
}
