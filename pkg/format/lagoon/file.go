package lagoon

import (
	"go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// file is the part of a .lagoon.yml that is about tasks. The other parts are not checked.
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

// readSteps reads the tasks of a file. Values come from the library that Lagoon uses, with its rules for keys,
// duplicates and types. Positions come from another library. It returns false after an error.
func (p *parser) readSteps(text []byte, name string) (steps, bool) {
	before := p.failures()
	override := name != p.opts.Source.Name
	text, ok := p.yamlOf(text, name)
	if !ok {
		return steps{}, false
	}
	var top map[string]any
	if err := kyaml.Unmarshal(text, &top); err != nil && string(text) != "" {
		p.fail(task.Position{File: name, Line: 1, Column: 1}, "", "", "this is not a mapping, and therefore not a .lagoon.yml")
		return steps{}, false
	}
	// Types are checked first, to report their positions.
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil || len(root.Content) == 0 {
		root = yaml.Node{Content: []*yaml.Node{{}}}
	}
	s := checker{p: p, file: name, parts: root.Content[:1]}
	if !override { // an override has only tasks (build-deploy-tool, MergeLagoonYAMLs)
		p.project = s.text(root.Content[0], "project", "")
	}
	site := p.site(top)
	if site != nil {
		s.parts = append(s.parts, exactValue(root.Content[0], p.siteName()))
	}
	s.check()
	if p.failures() > before {
		return steps{}, false
	}
	f, err := read(text, site)
	if err != nil {
		p.fail(task.Position{File: name}, "", "", "the tasks cannot be read: %v", errorText(err))
		return steps{}, false
	}
	if !override {
		p.gitSHA = f.EnvironmentVariables.gitSHA
	}
	return steps{s.steps(preRollout, f.Tasks.PreRollout), s.steps(postRollout, f.Tasks.PostRollout)}, true
}
