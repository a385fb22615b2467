package lagoon

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// file is what counts of a .lagoon.yml. What is not about tasks may be anything.
type file struct {
	Project              any `json:"project"`
	EnvironmentVariables any `json:"environment_variables"`
	Tasks                struct {
		PreRollout  []item `json:"pre-rollout"`
		PostRollout []item `json:"post-rollout"`
	} `json:"tasks"`
}

type item struct {
	Run run `json:"run"`
}

// readSteps reads the tasks of a file: their values with the library that Lagoon uses, and so by its
// rules for keys, duplicates and types; their places with one that knows places. It returns false
// when there was an error.
func (p *parser) readSteps(text []byte, name string) (steps, bool) {
	before := p.failures()
	text, ok := p.yamlOf(text, name)
	if !ok {
		return steps{}, false
	}
	var f file
	var top map[string]json.RawMessage
	if err := kyaml.Unmarshal(text, &top); err != nil && string(text) != "" {
		p.fail(task.Position{File: name, Line: 1, Column: 1}, "", "", "this is no mapping, and so no .lagoon.yml")
		return steps{}, false
	}
	// Types are checked with their places first.
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		root = yaml.Node{}
	}
	s := shape{p: p, file: name}
	if len(root.Content) > 0 {
		p.project = s.text(root.Content[0], "project", p.project)
	}
	tasks := s.tasks(&root, p.polysite(top))
	if p.failures() > before {
		return steps{}, false
	}
	err := kyaml.Unmarshal(text, &f)
	if site := p.polysite(top); err == nil && site != "" {
		var own file
		if err = kyaml.Unmarshal(top[site], &own); err == nil {
			f.Tasks = own.Tasks
		}
	}
	if err != nil {
		p.fail(s.at(tasks), "", "", "the tasks cannot be read: %v", cause(err))
		return steps{}, false
	}
	if vars, ok := f.EnvironmentVariables.(map[string]any); ok && fmt.Sprint(vars["git_sha"]) == "true" {
		p.gitSHA = true
	}
	return steps{s.steps(tasks, preRollout.name, f.Tasks.PreRollout), s.steps(tasks, postRollout.name, f.Tasks.PostRollout)}, true
}

// polysite returns the top-level key that is the project's own part of a file for several; "" when
// there is none with tasks.
func (p *parser) polysite(top map[string]json.RawMessage) string {
	for site, part := range top {
		var own struct {
			Tasks json.RawMessage `json:"tasks"`
		}
		if json.Unmarshal(part, &own) != nil || own.Tasks == nil {
			continue
		}
		if of, ok := p.lookup(project); ok && of.Value == site {
			return site
		}
	}
	return ""
}

func cause(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "error unmarshaling JSON: "), "while decoding JSON: ")
}

var (
	errorLine = regexp.MustCompile(`line (\d+)`)
	// errorHead is what the parsers put before what is wrong.
	errorHead = regexp.MustCompile(`^(error converting YAML to JSON: )?(yaml: )?(line \d+: )?`)
)

// syntax returns what a YAML parser says is wrong, without the place.
func syntax(err error) string { return errorHead.ReplaceAllString(err.Error(), "") }

// yamlOf returns the text if it is YAML. When something else in it is not, but the block of the tasks
// is, it returns that block, in its place, and warns: Lagoon refuses the whole file.
func (p *parser) yamlOf(text []byte, name string) ([]byte, bool) {
	_, err := kyaml.YAMLToJSON(text)
	if err == nil {
		return text, true
	}
	at := task.Position{File: name, Line: lineOf(err)}
	message := syntax(err)
	block := taskBlock(string(text))
	if _, err := kyaml.YAMLToJSON([]byte(block)); block != "" && err == nil {
		p.warn(at, "", "Lagoon refuses the whole file", "not YAML: %s; the tasks can be read all the same", message)
		return []byte(block), true
	}
	p.fail(at, "", "", "not YAML: %s", message)
	return nil, false
}

// lineOf returns the line that an error of a YAML parser names; 0 when it names none.
func lineOf(err error) int {
	line := 0
	if m := errorLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	return line
}

// taskBlock returns the lines of the top-level key "tasks", with empty lines in the place of all
// others; "" when there is none.
func taskBlock(text string) string {
	var b strings.Builder
	within, found := false, false
	for line := range strings.Lines(text) {
		if !strings.ContainsAny(line[:1], " \t#\r\n") {
			within = strings.HasPrefix(line, "tasks:")
			found = found || within
		}
		if !within {
			line = "\n"
		}
		b.WriteString(line)
	}
	if !found {
		return ""
	}
	return b.String()
}
