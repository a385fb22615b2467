package native

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// outputs returns the outputs of a task, sorted by name.
func (p *parser) outputs(t Task, n *yaml.Node) []task.OutputDefinition {
	if len(t.Outputs) == 0 {
		return nil
	}
	all := valueAt(n, "outputs")
	for _, e := range p.executors(t) {
		if e.given && e.silent {
			p.fail(strict.At(all, "task %q: %s has no outputs", t.Name, e.name), t.Name)
		}
	}
	if t.Exec != nil && t.Exec.Pods != "" && t.Exec.Pods != "one" && t.Exec.Pods != "1" {
		p.fail(strict.At(all, "task %q runs in %s pods; only a task in one pod has outputs", t.Name, t.Exec.Pods), t.Name)
	}
	var found []task.OutputDefinition
	for _, name := range slices.Sorted(maps.Keys(t.Outputs)) {
		o := t.Outputs[name]
		fail := func(key, format string, args ...any) {
			p.fail(strict.At(valueAt(valueAt(all, name), key), "task %q: output %q: "+format, append([]any{t.Name, name}, args...)...), t.Name)
		}
		given := 0
		for _, from := range []string{o.File, o.JSON, o.Regex} {
			if from != "" {
				given++
			}
		}
		if given != 1 {
			fail("", "write exactly one of file, json and regex")
		}
		if keys := strings.Split(o.JSON, "."); o.JSON != "" && (slices.Contains(keys, "") || keys[0] == "$") {
			meant := strings.Join(slices.DeleteFunc(keys, func(k string) bool { return k == "" || k == "$" }), ".")
			fail("json", "json is %q; write the keys with dots between%s", o.JSON, withExample(meant))
		}
		if !validParam.MatchString(name) {
			fail("", "a name has letters, digits and underscores, and does not start with a digit")
		}
		if _, err := regexp.Compile(o.Regex); err != nil {
			fail("regex", "%v", err)
		}
		if !slices.Contains([]task.ValueType{"", task.String, task.Number, task.Boolean, task.JSON}, task.ValueType(o.Type)) {
			fail("type", "the type is %q; it must be string, number, boolean or json", o.Type)
		}
		found = append(found, task.OutputDefinition{
			Name: name, File: o.File, JSON: o.JSON, Pattern: o.Regex, Type: task.ValueType(o.Type), Secret: o.Secret,
		})
	}
	if files := (task.Task{Outputs: found}).Files(); len(files) > 1 && t.Host == nil && t.Exec == nil {
		p.fail(strict.At(all, "task %q: a task in its own pod can have only one file as an output; print the others", t.Name), t.Name)
	}
	return found
}

// withExample returns ", such as …"; empty without an example.
func withExample(example string) string {
	if example == "" {
		return ""
	}
	return ", such as " + example
}
