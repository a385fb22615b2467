package native

import (
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// maxRetries limits the retries of a task.
const maxRetries = 1000

// validName matches names: DNS labels, because the names of pods and Jobs contain them.
var validName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// checkHead checks the fields that all tasks have. It returns the phase and the failure policy.
func (p *parser) checkHead(t Task, n *yaml.Node) (task.Phase, task.FailurePolicy) {
	fail := func(key, format string, args ...any) { p.fail(strict.At(valueAt(n, key), format, args...), t.Name) }
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
		fail("retries", "task %q: retries is %d; it must be from 0 to %d", t.Name, t.Retries, maxRetries)
	}
	onFailure, ok := policies[t.OnFailure]
	if !ok {
		fail("onFailure", "task %q: onFailure is %q; it must be fail, warn, continue or rollback", t.Name, t.OnFailure)
	}
	return phase, onFailure
}

// needs checks the needs of a task that may be objects. Tasks of other documents may have a slash in their names.
func (p *parser) needs(t Task, n *yaml.Node) {
	for i, at := range valueAt(n, "needs").Content {
		if i >= len(t.Needs) {
			return
		}
		need := t.Needs[i]
		if strings.Contains(need, "${") {
			p.fail(strict.At(at, "task %q needs %q: expressions are not replaced in needs, which must be known before the run", t.Name, need), t.Name)
		} else if _, _, ok := strings.Cut(need, "/"); ok {
			p.kind(t.Name, "one of the needs", need, at)
		}
	}
}

// task checks a task and adds it.
func (p *parser) task(t Task, n *yaml.Node) {
	phase, onFailure := p.checkHead(t, n)
	p.references = expression.References{}
	p.unevaluated = p.options.Lenient || p.options.Runs != nil && !p.options.Runs(t.Name, phase)
	facts := p.factsOf(phase)
	given := t
	skip := p.condition(t, n, facts)
	if skip == "" {
		t = p.withValues(t, n, facts)
	}
	runs := p.references.Run
	read := task.Task{
		Name:     t.Name,
		Phase:    phase,
		Needs:    t.Needs,
		Executor: p.executor(t, n),
		Skip:     skip,
		Outputs:  p.outputs(t, n),
		Reads:    unique(p.references.Tasks),
		Local:    unique(p.references.Env),
		Policy:   t.policy(onFailure),
		Position: p.position(n),
		Source:   p.source,
	}
	read.Undo = p.undo(t, n, read)
	read.Once = p.once(t, n, facts)
	read.Changed = p.fingerprint(t, n, facts)
	if t.Job != nil {
		read.Retries = 0 // the Job itself is retried
	}
	if len(read.Reads) > 0 || runs {
		read.Deferred = &deferredTask{options: p.options, facts: facts, env: p.env, declared: p.declared, functions: p.functions, task: given, node: n}
	}
	p.tasks = append(p.tasks, read)
}

// withValues returns the task with the expressions of its executor replaced.
func (p *parser) withValues(t Task, n *yaml.Node, facts expression.Facts) Task {
	expanded := t
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		index := strict.FieldByName(reflect.TypeFor[Task](), key.Value)
		target := reflect.ValueOf(&expanded).Elem().FieldByIndex(index)
		if target.Kind() != reflect.Pointer || key.Value == "undo" || key.Value == "fingerprint" {
			continue // all other pointers are executors
		}
		target.SetZero()
		for _, l := range strict.Decode(p.expandValues(t.Name, value, facts), target) {
			p.fail(l, t.Name)
		}
	}
	return expanded
}

// policy returns the policy of a task or an undo.
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
