package native

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// undo returns the task that takes back what t does. It is read as a task of its own, with the name,
// the phase and the source of t.
func (p *parser) undo(t Task, n *yaml.Node, of task.Task) *task.Task {
	if t.Undo == nil {
		return nil
	}
	u := t.Undo
	p.refer = expression.References{}
	node := place(n, "undo")
	facts := p.factsOf(of.Phase)
	given := Task{Name: t.Name, Host: u.Host, Exec: u.Exec, Pod: u.Pod, Job: u.Job, Function: u.Function, Clone: u.Clone}
	expanded := p.withValues(given, node, facts)
	if u.Retries < 0 || u.Retries > maxRetries {
		p.fail(strict.At(place(node, "retries"), "task %q: retries is %d; it is at least 0, which is none, and at most %d", t.Name, u.Retries, maxRetries), t.Name)
	}
	undo := &task.Task{
		Name: of.Name, Phase: of.Phase, Position: p.position(node), Source: of.Source,
		Executor: p.executor(expanded, node),
		Reads:    unique(p.refer.Tasks), Local: unique(p.refer.Env),
		Policy: u.policy(task.Fail),
	}
	if u.Job != nil {
		undo.Retries = 0
	}
	if p.refer.Deferred() {
		undo.Deferred = &late{options: p.options, facts: facts, env: p.env, declared: p.declared, functions: p.functions, task: given, node: node}
	}
	return undo
}

// early evaluates a text that must be known before the run begins.
func (p *parser) early(t Task, n *yaml.Node, key, text string, facts expression.Facts) string {
	fail := func(format string, args ...any) {
		p.fail(strict.At(place(n, key), "task %q: %s: "+format, append([]any{t.Name, key}, args...)...), t.Name)
	}
	refer, err := expression.ReferencesIn(text)
	if err == nil {
		err = p.takeReferences(refer)
	}
	switch {
	case err != nil:
		fail("%v", err)
		return ""
	case refer.Deferred():
		fail("it must be known before the run begins, and cannot refer to tasks or run")
		return ""
	case p.looking:
		return text
	}
	value, err := expression.Expand(text, facts)
	if err != nil {
		fail("%v", err)
	}
	return value
}

func (p *parser) once(t Task, n *yaml.Node, facts expression.Facts) string {
	if t.Once == "" {
		return ""
	}
	if t.Run == runOnChange {
		p.fail(strict.At(place(n, "once"), "task %q has once and run: onChange; only one of them can be", t.Name), t.Name)
	}
	return p.early(t, n, "once", t.Once, facts)
}

// runOnChange is the value of run for tasks with a fingerprint.
const runOnChange = "onChange"

func (p *parser) fingerprint(t Task, n *yaml.Node, facts expression.Facts) *task.Fingerprint {
	fail := func(key, format string, args ...any) {
		p.fail(strict.At(place(place(n, "fingerprint"), key), "task %q: "+format, append([]any{t.Name}, args...)...), t.Name)
	}
	switch {
	case t.Run != "" && t.Run != "always" && t.Run != runOnChange:
		p.fail(strict.At(place(n, "run"), "task %q: run is %q; it is always or onChange", t.Name, t.Run), t.Name)
		return nil
	case t.Run != runOnChange && t.Fingerprint != nil:
		fail("", "fingerprint says what run: onChange looks at; write that too")
		return nil
	case t.Run != runOnChange:
		return nil
	case t.Fingerprint == nil:
		p.fail(strict.At(place(n, "run"), "task %q: run: onChange needs a fingerprint, which says what it looks at", t.Name), t.Name)
		return nil
	}
	f := t.Fingerprint
	sum := sha256.New()
	for i, image := range f.Images {
		p.reference(t.Name, "one of the images", image, place(place(n, "fingerprint"), "images").Content[i])
	}
	if p.looking {
		return &task.Fingerprint{Images: f.Images}
	}
	for _, pattern := range f.Files {
		p.sumFiles(sum, pattern, fail)
	}
	for _, path := range f.Values {
		p.sumValue(sum, path, facts, fail)
	}
	// Each part is written with its length, so that nothing can move from one to the next.
	add(sum, "text", p.early(t, place(n, "fingerprint"), "text", f.Text, facts))
	return &task.Fingerprint{Digest: hex.EncodeToString(sum.Sum(nil)), Images: f.Images}
}

func add(sum io.Writer, parts ...string) {
	for _, s := range parts {
		fmt.Fprintf(sum, "%d:%s", len(s), s)
	}
}

func (p *parser) sumFiles(sum io.Writer, pattern string, fail func(key, format string, args ...any)) {
	if p.options.Glob == nil {
		fail("files", "%s: there is no directory that it could be in", pattern)
		return
	}
	paths, err := p.options.Glob(pattern)
	if err != nil {
		fail("files", "%s: %v", pattern, err)
		return
	}
	if len(paths) == 0 {
		fail("files", "there is no file %s", pattern)
	}
	for _, path := range paths {
		text, err := p.options.ReadFile(path)
		if err != nil {
			fail("files", "%v", err)
		}
		add(sum, "file", path, string(text))
	}
}

func (p *parser) sumValue(sum io.Writer, path string, facts expression.Facts, fail func(key, format string, args ...any)) {
	var v any = map[string]any{}
	if facts.Values != nil {
		values, err := facts.Values()
		if err != nil {
			fail("values", "the release's values: %v", err)
			return
		}
		v = values
	}
	for key := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	text, err := json.Marshal(v)
	if err != nil {
		fail("values", "%s: %v", path, err)
	}
	add(sum, "value", path, string(text))
}
