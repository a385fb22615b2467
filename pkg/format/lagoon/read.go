package lagoon

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// file is what counts of a .lagoon.yml. What is not about tasks may be anything.
type file struct {
	EnvironmentVariables environmentVariables `json:"environment_variables"`
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
	override := name != p.opts.Source.Name
	text, ok := p.yamlOf(text, name)
	if !ok {
		return steps{}, false
	}
	var top map[string]any
	if err := kyaml.Unmarshal(text, &top); err != nil && string(text) != "" {
		p.fail(task.Position{File: name, Line: 1, Column: 1}, "", "", "this is no mapping, and so no .lagoon.yml")
		return steps{}, false
	}
	// Types are checked with their places first.
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil || len(root.Content) == 0 {
		root = yaml.Node{Content: []*yaml.Node{{}}}
	}
	s := shape{p: p, file: name, parts: root.Content[:1]}
	if !override { // of an override, only the tasks count (build-deploy-tool, MergeLagoonYAMLs)
		p.project = s.text(root.Content[0], "project", "")
	}
	site := p.site(top)
	if site != nil {
		s.parts = append(s.parts, exactly(root.Content[0], p.siteName()))
	}
	s.check()
	if p.failures() > before {
		return steps{}, false
	}
	f, err := read(text, site)
	if err != nil {
		p.fail(task.Position{File: name}, "", "", "the tasks cannot be read: %v", cause(err))
		return steps{}, false
	}
	if !override {
		p.gitSHA = f.EnvironmentVariables.gitSHA
	}
	return steps{s.steps(preRollout, f.Tasks.PreRollout), s.steps(postRollout, f.Tasks.PostRollout)}, true
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

// yamlOf returns the text if it is YAML. When something else in it is not, but the blocks with the tasks
// are, it returns the blocks that are, in their places, and warns: Lagoon refuses the whole file.
func (p *parser) yamlOf(text []byte, name string) ([]byte, bool) {
	_, err := kyaml.YAMLToJSON(text)
	if err == nil {
		return text, true
	}
	at := task.Position{File: name, Line: lineOf(err)}
	message := syntax(err)
	if rest, ok := p.readable(string(text)); ok {
		p.warn(at, "", "Lagoon refuses the whole file", "not YAML: %s; the tasks can be read all the same", message)
		return []byte(rest), true
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
