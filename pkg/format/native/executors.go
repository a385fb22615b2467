package native

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

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
		p.fail(strict.At(n, "task %q does not say what to run: it needs one of %s", t.Name, strings.Join(names, ", ")), t.Name)
	case len(chosen) > 1:
		p.fail(strict.At(place(n, chosen[1]), "task %q has %s; only one of them can be", t.Name, strings.Join(chosen, " and ")), t.Name)
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
	return task.Host{Command: p.program(t.Name, t.Host.Program, n), Env: p.variables(t.Name, t.Host.Env, n), Dir: t.Host.Dir}
}

// variables returns the variables of a program as NAME=VALUE.
func (p *parser) variables(name string, env []EnvVar, n *yaml.Node) []string {
	var all []string
	for i, v := range env {
		switch at := place(n, "env").Content[i]; {
		case v.Name == "" || strings.ContainsAny(v.Name, "=\x00"):
			p.fail(strict.At(at, "task %q: %q is no name of a variable", name, v.Name), name)
		case strings.Contains(v.Value, "\x00"):
			p.fail(strict.At(at, "task %q: the variable %s has a NUL character, which no program can be given", name, v.Name), name)
		}
		all = append(all, v.Name+"="+v.Value)
	}
	return all
}

func (p *parser) exec(t Task, n *yaml.Node) task.Executor {
	e := t.Exec
	pods, err := task.ParseCount(string(e.Pods))
	if err != nil {
		p.fail(strict.At(place(n, "pods"), "task %q: %v", t.Name, err), t.Name)
	}
	if e.Target != "" && e.Selector != "" {
		p.fail(strict.At(place(n, "selector"), "task %q has a target and a selector; only one of them can be", t.Name), t.Name)
	}
	if e.Target != "" {
		p.reference(t.Name, "the target", e.Target, place(n, "target"))
	}
	if e.Parallel < 0 {
		p.fail(strict.At(place(n, "parallel"), "task %q: parallel is %d; 1 is one after another", t.Name, e.Parallel), t.Name)
	}
	if e.Scale && e.Target == "" {
		p.fail(strict.At(place(n, "scale"), "task %q: scale needs a target, the workload that is to be woken", t.Name), t.Name)
	}
	return task.Exec{
		Scale:   e.Scale,
		Command: p.program(t.Name, e.Program, n), Env: p.variables(t.Name, e.Env, n),
		Target: e.Target, Selector: e.Selector, Container: e.Container,
		Pods: pods, Parallel: e.Parallel, AllowEmpty: e.AllowEmpty, Unready: e.Ready != nil && !*e.Ready,
	}
}

// reference checks that an object is named as KIND/NAME, or by an expression.
func (p *parser) reference(name, what, object string, n *yaml.Node) {
	kind, of, ok := strings.Cut(object, "/")
	if strings.Contains(object, "${") {
		ok = true
	} else {
		ok = ok && kind != "" && of != "" && !strings.Contains(of, "/")
	}
	if !ok {
		p.fail(strict.At(n, "task %q: %s is %q; write KIND/NAME, such as deployment/web", name, what, object), name)
		return
	}
	p.kind(name, what, object, n)
}

// kind checks the kind of an object. Whether there is one is known to the cluster; but one that is written almost as
// one that every cluster has is not what was meant.
func (p *parser) kind(name, what, object string, n *yaml.Node) {
	kind, _, _ := strings.Cut(object, "/")
	if meant := task.SuggestKind(kind); meant != "" && !strings.Contains(kind, "${") {
		p.fail(strict.At(n, "task %q: %s is %q: there is no kind %q; did you mean %q? A kind of another group is written KIND.GROUP/NAME", name, what, object, kind, meant), name)
	}
}

func (p *parser) clone(t Task, n *yaml.Node) task.Executor {
	c := t.Clone
	p.reference(t.Name, "from", c.From, place(n, "from"))
	if c.Version != "" && c.Version != "current" && c.Version != "next" {
		p.fail(strict.At(place(n, "version"), "task %q: the version is %q; it is current or next", t.Name, c.Version), t.Name)
	}
	return task.Clone{
		Command: p.program(t.Name, c.Program, n), From: c.From, Container: c.Container, Sidecars: c.Sidecars, Env: c.Env,
		Next: c.Version == "next", Queue: c.Queue, Labels: c.Labels, Annotations: c.Annotations,
	}
}

func (p *parser) wait(t Task, n *yaml.Node) task.Executor {
	p.reference(t.Name, "the object", t.Wait.Object, place(n, "object"))
	if !waitForms.MatchString(t.Wait.For) {
		p.fail(strict.At(place(n, "for"), "task %q: %q cannot be waited for; write ready, deleted, condition=NAME, or jsonpath={.path}=VALUE", t.Name, t.Wait.For), t.Name)
	}
	return task.Wait{Object: t.Wait.Object, For: t.Wait.For}
}

// waitForms are the forms of what can be waited for; whether a JSONPath is one is known to who
// evaluates it.
var waitForms = regexp.MustCompile(`^(|ready|deleted|condition=.+|jsonpath=.+|.*\$\{.*)$`)

func (p *parser) approve(t Task, n *yaml.Node) task.Executor {
	if strings.TrimSpace(t.Approve.Message) == "" {
		p.fail(strict.At(place(n, "message"), "task %q: approve needs a message, which is the question", t.Name), t.Name)
	}
	return task.Approve{Message: t.Approve.Message}
}

// program returns the command of an executor.
func (p *parser) program(name string, program Program, n *yaml.Node) task.Command {
	switch {
	case len(program.Command) > 0 && program.Shell != "":
		p.fail(strict.At(place(n, "shell"), "task %q has command and shell; only one of them can be", name), name)
	case program.Shell != "":
		for _, found := range unique(expressionsIn(program.Shell)) {
			p.fail(strict.At(place(n, "shell"), "task %q: %s is not replaced in a script, and no shell knows it; hand it over: env: [{name: VALUE, value: %q}], and write $VALUE", name, found, found), name)
		}
		return task.Command{Argv: []string{"sh", "-c", program.Shell}, Text: program.Shell}
	case len(program.Command) == 0 || program.Command[0] == "":
		p.fail(strict.At(n, "task %q has nothing to run: write command, or shell", name), name)
	}
	for i, argument := range program.Command {
		if strings.Contains(argument, "\x00") {
			p.fail(strict.At(place(n, "command").Content[i], "task %q: an argument has a NUL character, which no program can be given", name), name)
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
