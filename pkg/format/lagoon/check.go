package lagoon

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// checker checks the form of tasks and returns their positions. Their values are read by file.
type checker struct {
	p    *parser
	file string
	// parts are the mappings that are decoded in this order: the file, and the part of the project.
	parts []*yaml.Node
}

// fields are the types of the fields of a task.
var fields = map[string]string{
	"name": "string", "command": "string", "service": "string", "container": "string", "shell": "string", "when": "string",
	"namespace": "string", "weight": "integer", "scaleWaitTime": "integer", "scaleMaxIterations": "integer", "requiresEnvironment": "boolean",
}

func fieldNames() []string {
	return []string{"name", "command", "service", "container", "shell", "when", "weight", "scaleWaitTime", "scaleMaxIterations", "requiresEnvironment", "namespace"}
}

func (s checker) at(n *yaml.Node) task.Position {
	if n == nil {
		return task.Position{File: s.file}
	}
	return task.Position{File: s.file, Line: n.Line, Column: n.Column}
}

// text returns the scalar of a key, else other.
func (s checker) text(mapping *yaml.Node, key, other string) string {
	if n := resolved(value(mapping, key)); n != nil && n.Kind == yaml.ScalarNode && !isNull(n) {
		return n.Value
	}
	return other
}

// check checks the form of the tasks and of git_sha.
func (s checker) check() {
	for _, part := range s.parts {
		s.tasks(resolved(value(part, "tasks")))
		s.gitSHA(resolved(value(resolved(value(part, "environment_variables")), "git_sha")))
	}
}

func (s checker) tasks(tasks *yaml.Node) {
	switch {
	case isNull(tasks):
		return
	case tasks.Kind != yaml.MappingNode:
		s.p.fail(s.at(tasks), "", "below tasks:, write pre-rollout: or post-rollout:, each with a list", "tasks must be a mapping")
		return
	}
	s.keys(tasks, []string{preRollout.name, postRollout.name}, "a list of tasks")
	for _, section := range []section{preRollout, postRollout} {
		s.list(section, resolved(value(tasks, section.name)))
	}
}

func (s checker) gitSHA(v *yaml.Node) {
	if isNull(v) || v.Kind == yaml.ScalarNode && (isBoolean(v) || parsesAsBool(v.Value)) {
		return
	}
	s.p.warn(s.at(v), "", "Lagoon refuses the whole file", "git_sha must be true or false")
}

// keys warns about duplicate keys, and about keys that Lagoon ignores.
func (s checker) keys(mapping *yaml.Node, known []string, what string) {
	seen := map[string]task.Position{}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key := mapping.Content[i]
		if key.Value == "<<" {
			continue
		}
		lower := strings.ToLower(key.Value)
		if first, twice := seen[lower]; twice {
			s.p.warn(s.at(key), "", "", "%q is defined twice, first at %s; the last one applies", key.Value, first)
		}
		seen[lower] = s.at(key)
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, key.Value) }) {
			hint := ""
			if meant := task.Nearest(key.Value, known); meant != "" {
				hint = fmt.Sprintf("did you mean %q?", meant)
			}
			s.p.warn(s.at(key), "", hint, "unknown key %q in %s; Lagoon ignores it", key.Value, what)
		}
	}
}

func (s checker) list(of section, list *yaml.Node) {
	switch {
	case isNull(list):
		return
	case list.Kind != yaml.SequenceNode:
		s.p.fail(s.at(list), "", "begin each task with - run:", "%s must be a list of tasks", of.name)
		return
	}
	for _, item := range list.Content {
		place := s.at(item)
		item = resolved(item)
		if item.Kind != yaml.MappingNode {
			s.p.fail(place, "", form, "this is not a task")
			continue
		}
		s.item(item, place)
	}
}

// form is the hint with the form of a task.
const form = "write it as\n  - run:\n      name: …\n      command: …\n      service: …"

func (s checker) item(item *yaml.Node, place task.Position) {
	var beside []string
	for i := 0; i+1 < len(item.Content); i += 2 {
		if key := item.Content[i].Value; fields[key] != "" {
			beside = append(beside, key)
		}
	}
	run := resolved(value(item, "run"))
	switch {
	case isNull(run) && len(beside) > 0 && value(item, "run") != nil:
		s.p.fail(place, "", form, "run is empty, because %s are at its level and not below it: Lagoon reads a task without a command and a service; indent them by two more spaces", strings.Join(beside, ", "))
	case isNull(run):
		s.p.fail(place, "", form, "this task has no run: Lagoon reads one without a command and a service")
	case run.Kind != yaml.MappingNode:
		s.p.fail(s.at(run), "", form, "run must be a mapping")
	default:
		s.keys(item, []string{"run"}, "a task")
		s.run(run)
	}
}

func (s checker) run(run *yaml.Node) {
	s.keys(run, fieldNames(), "a task")
	for i := 0; i+1 < len(run.Content); i += 2 {
		key, v := run.Content[i], resolved(run.Content[i+1])
		for name, form := range fields {
			if strings.EqualFold(name, key.Value) {
				s.field(name, form, v)
			}
		}
	}
}

// field checks the type of a field.
func (s checker) field(name, form string, v *yaml.Node) {
	if tag := v.Tag; v.Kind == yaml.ScalarNode && len(tag) > 1 && tag[0] == '!' && tag[1] != '!' {
		s.p.warn(s.at(v), "", fmt.Sprintf("write %s: %q", name, strings.TrimSpace(tag+" "+v.Value)),
			"%s is a YAML tag and not part of the value; Lagoon reads %q", tag, v.Value)
	}
	if isNull(v) {
		return
	}
	switch {
	case form == "string" && v.Kind == yaml.ScalarNode:
		if name == "namespace" {
			s.p.warn(s.at(v), "", "", "namespace is ignored, as by Lagoon: tasks run in the namespace of the release")
		}
	case form == "string" && name == "command":
		s.p.fail(s.at(v), "", "write one line for the shell (command: first && second), or a block with |", "command must be a string, not a list")
	case form == "string":
		s.p.fail(s.at(v), "", "", "%s must be a string", name)
	case form == "integer" && !isWhole(v):
		s.p.fail(s.at(v), "", "", "%s must be a whole number, without quotes", name)
	case form == "boolean" && !isBoolean(v):
		s.p.fail(s.at(v), "", "", "%s must be true or false, without quotes", name)
	}
}

// steps joins the values of a list with their places.
func (s checker) steps(of section, items []item) []step {
	list, replaced := s.lists(of)
	all := make([]step, len(items))
	for i, it := range items {
		one := step{run: it.Run, position: task.Position{File: s.file}, at: task.Position{File: s.file}}
		if list != nil && i < len(list.Content) {
			one.position = s.at(list.Content[i])
			one.at = one.position
			if when := value(value(list.Content[i], "run"), "when"); when != nil {
				one.at = s.at(when)
			}
		}
		if replaced != nil && i < len(replaced.Content) {
			s.warnInherited(one, list.Content[i], replaced.Content[i])
		}
		all[i] = one
	}
	return all
}
