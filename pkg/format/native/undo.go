package native

import (
	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// undo returns the task that undoes another one; nil when there is none. It has the name, the phase and the
// source of the other task.
func (p *parser) undo(t Task, n *yaml.Node, of task.Task) *task.Task {
	if t.Undo == nil {
		return nil
	}
	u := t.Undo
	p.references = expression.References{}
	node := valueAt(n, "undo")
	facts := p.factsOf(of.Phase)
	given := Task{Name: t.Name, Host: u.Host, Exec: u.Exec, Pod: u.Pod, Job: u.Job, Function: u.Function, Clone: u.Clone}
	expanded := p.withValues(given, node, facts)
	if u.Retries < 0 || u.Retries > maxRetries {
		p.fail(strict.At(valueAt(node, "retries"), "task %q: retries is %d; it must be from 0 to %d", t.Name, u.Retries, maxRetries), t.Name)
	}
	undo := &task.Task{
		Name: of.Name, Phase: of.Phase, Position: p.position(node), Source: of.Source,
		Executor: p.executor(expanded, node),
		Reads:    unique(p.references.Tasks), Local: unique(p.references.Env),
		Policy: u.policy(task.Fail),
	}
	if u.Job != nil {
		undo.Retries = 0
	}
	if p.references.Deferred() {
		undo.Deferred = &deferredTask{options: p.options, facts: facts, env: p.env, declared: p.declared, functions: p.functions, task: given, node: node}
	}
	return undo
}
