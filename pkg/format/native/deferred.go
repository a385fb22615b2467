package native

import (
	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// deferredTask is a task whose expressions refer to the run. It implements task.Deferred.
type deferredTask struct {
	options   Options
	facts     expression.Facts
	env       []string
	declared  map[string]bool
	functions map[string]*Function
	task      Task
	node      *yaml.Node
}

// Resolve evaluates the expressions of the task. Errors have positions.
func (l *deferredTask) Resolve(values task.Values) (executor task.Executor, skip string, err error) {
	p := newParser(l.options)
	p.env, p.declared, p.functions, p.resolving = l.env, l.declared, l.functions, true
	facts := l.facts
	facts.Deferred = values
	if skip = p.condition(l.task, l.node, facts); skip == "" && p.found.Err() == nil {
		executor = p.executor(p.withValues(l.task, l.node, facts), l.node)
	}
	return executor, skip, p.found.Err()
}
