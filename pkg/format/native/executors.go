package native

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// executorField is a field of a task with an executor. A new executor is one more row in executors.
type executorField struct {
	name  string
	given bool
	read  func(Task, *yaml.Node) task.Executor
	// write sets the field for an executor of its type. It returns false for other executors.
	write func(task.Executor, *Task) bool
	// silent executors run no program, so that their tasks have no outputs.
	silent bool
}

// executors returns the executor fields of a task.
func (p *parser) executors(t Task) []executorField {
	return []executorField{
		{name: "host", given: t.Host != nil, read: p.host, write: writes(writeHost)},
		{name: "exec", given: t.Exec != nil, read: p.exec, write: writes(writeExec)},
		{name: "pod", given: t.Pod != nil, read: p.pod, write: writes(writePod)},
		{name: "job", given: t.Job != nil, read: p.job, write: writes(writeJob)},
		{name: "function", given: t.Function != nil, read: p.function, write: writes(writeFunction)},
		{name: "clone", given: t.Clone != nil, read: p.clone, write: writes(writeClone)},
		{name: "wait", given: t.Wait != nil, read: p.wait, write: writes(writeWait), silent: true},
		{name: "sleep", given: t.Sleep != nil, read: p.sleep, write: writes(writeSleep), silent: true},
		{name: "approve", given: t.Approve != nil, read: p.approve, write: writes(writeApprove), silent: true},
	}
}

// executor returns the only executor of a task. It returns nil after a finding.
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
		p.fail(strict.At(n, "task %q has no executor: it needs one of %s", t.Name, strings.Join(names, ", ")), t.Name)
	case len(chosen) > 1:
		p.fail(strict.At(valueAt(n, chosen[1]), "task %q has %s; set only one of them", t.Name, strings.Join(chosen, " and ")), t.Name)
	default:
		for _, e := range executors {
			if e.given {
				executor = e.read(t, valueAt(n, e.name))
			}
		}
	}
	return executor
}

func (p *parser) host(t Task, n *yaml.Node) task.Executor {
	return task.Host{Command: p.program(t.Name, t.Host.Program, n), Env: p.variables(t.Name, t.Host.Env, n), Dir: t.Host.Dir}
}

func (p *parser) exec(t Task, n *yaml.Node) task.Executor {
	e := t.Exec
	pods, err := task.ParseCount(string(e.Pods))
	if err != nil {
		p.fail(strict.At(valueAt(n, "pods"), "task %q: %v", t.Name, err), t.Name)
	}
	if e.Target != "" && e.Selector != "" {
		p.fail(strict.At(valueAt(n, "selector"), "task %q has a target and a selector; set only one of them", t.Name), t.Name)
	}
	if e.Target != "" {
		p.reference(t.Name, "the target", e.Target, valueAt(n, "target"))
	}
	if e.Parallel < 0 {
		p.fail(strict.At(valueAt(n, "parallel"), "task %q: parallel is %d; it must be at least 1", t.Name, e.Parallel), t.Name)
	}
	if e.Scale && e.Target == "" {
		p.fail(strict.At(valueAt(n, "scale"), "task %q: scale needs a target, the workload to scale up", t.Name), t.Name)
	}
	return task.Exec{
		Scale:   e.Scale,
		Command: p.program(t.Name, e.Program, n), Env: p.variables(t.Name, e.Env, n),
		Target: e.Target, Selector: e.Selector, Container: e.Container,
		Pods: pods, Parallel: e.Parallel, AllowEmpty: e.AllowEmpty, Unready: e.Ready != nil && !*e.Ready,
	}
}

func (p *parser) clone(t Task, n *yaml.Node) task.Executor {
	c := t.Clone
	p.reference(t.Name, "from", c.From, valueAt(n, "from"))
	if c.Version != "" && c.Version != "current" && c.Version != "next" {
		p.fail(strict.At(valueAt(n, "version"), "task %q: the version is %q; it must be current or next", t.Name, c.Version), t.Name)
	}
	return task.Clone{
		Command: p.program(t.Name, c.Program, n), From: c.From, Container: c.Container, Sidecars: c.Sidecars, Env: c.Env,
		Next: c.Version == "next", Queue: c.Queue, Labels: c.Labels, Annotations: c.Annotations,
	}
}

func (p *parser) approve(t Task, n *yaml.Node) task.Executor {
	if strings.TrimSpace(t.Approve.Message) == "" {
		p.fail(strict.At(valueAt(n, "message"), "task %q: approve needs a message: the question", t.Name), t.Name)
	}
	return task.Approve{Message: t.Approve.Message}
}
