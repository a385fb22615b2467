package lagoon

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// definition is an advanced task definition as Lagoon's API returns it (spec lagoon.md § 2d).
type definition struct {
	Name                   string      `json:"name"`
	Type                   string      `json:"type"`
	Service                string      `json:"service"`
	Command                string      `json:"command"`
	Image                  string      `json:"image"`
	ConfirmationText       string      `json:"confirmationText"`
	DeployTokenInjection   looseString `json:"deployTokenInjection"`
	ProjectKeyInjection    looseString `json:"projectKeyInjection"`
	AdminTask              looseString `json:"adminTask"`
	AdvancedTaskDefinition []argument  `json:"advancedTaskDefinitionArguments"`
}

// Parameters returns the sorted names of the arguments of the definitions in a text.
func Parameters(text []byte) []string {
	var root yaml.Node
	if !definitionType.Match(text) || yaml.Unmarshal(text, &root) != nil || len(root.Content) == 0 {
		return nil
	}
	names := map[string]bool{}
	for _, n := range definitionNodes(root.Content[0], 0) {
		var d definition
		if decode(n, &d) == nil {
			for _, a := range d.AdvancedTaskDefinition {
				names[a.Name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// maxDepth limits the nesting of definitions in a response of the API.
const maxDepth = 6

// definitionNodes returns the definitions in a document, which is one definition, a list, or a response of the API.
func definitionNodes(n *yaml.Node, depth int) []*yaml.Node {
	n = resolved(n)
	if depth > maxDepth || n == nil {
		return nil
	}
	var found []*yaml.Node
	switch n.Kind {
	case yaml.SequenceNode:
		for _, c := range n.Content {
			found = append(found, definitionNodes(c, depth+1)...)
		}
	case yaml.MappingNode:
		if t := value(n, "type"); t != nil && value(n, "name") != nil {
			return []*yaml.Node{n}
		}
		for i := 1; i < len(n.Content); i += 2 {
			found = append(found, definitionNodes(n.Content[i], depth+1)...)
		}
	case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode:
	}
	return found
}

// definitions reads the definitions of a document.
func (p *parser) definitions() {
	var root yaml.Node
	if err := yaml.Unmarshal(p.text, &root); err != nil {
		p.fail(p.errorPosition(err), "", "", "not JSON or YAML: %s", syntax(err))
		return
	}
	nodes := definitionNodes(root.Content[0], 0)
	if len(nodes) == 0 {
		p.fail(task.Position{File: p.opts.Source.Name}, "", "", "the file has no definition of a task; a definition has a name and a type")
	}
	seen := map[string]bool{}
	for _, n := range nodes {
		p.definition(n, seen)
	}
}

// definition reads one definition.
func (p *parser) definition(n *yaml.Node, seen map[string]bool) {
	s := checker{p: p, file: p.opts.Source.Name}
	at := func(key string) task.Position {
		if v := value(n, key); v != nil {
			return s.at(v)
		}
		return s.at(n)
	}
	var d definition
	if err := decode(n, &d); err != nil {
		p.fail(s.at(n), "", "", "this definition cannot be read: %v", errorText(err))
		return
	}
	switch {
	case d.Name == "":
		p.fail(at("name"), "", "", "the definition has no name")
		return
	case seen[d.Name]:
		p.fail(at("name"), d.Name, "", "the definition %q is defined twice", d.Name)
		return
	}
	seen[d.Name] = true
	values, ok := p.arguments(d, s.at(n))
	if !ok {
		return
	}
	p.argumentsOf[d.Name] = d.AdvancedTaskDefinition
	a := taskInfo{name: task.Slug(d.Name)}
	for name, field := range map[string]*string{project: &a.project, environment: &a.environment} {
		if v, ok := p.lookup(name); ok {
			*field = v.Value
		}
	}
	t := task.Task{Name: d.Name, Confirm: d.ConfirmationText, Policy: task.Policy{Timeout: p.timeout()}, Position: s.at(n), Source: p.opts.Source}
	switch d.Type {
	case "COMMAND":
		if d.Command == "" || d.Service == "" {
			p.fail(at("type"), d.Name, "", "definition %q is of type COMMAND, which needs a command and a service", d.Name)
			return
		}
		e := p.opts.standard(a, d.Service, d.Command)
		e.Command.Argv = []string{"/bin/sh", "-c", assignments(values) + d.Command}
		t.Executor = e
	case "IMAGE":
		if d.Image == "" {
			p.fail(at("type"), d.Name, "", "definition %q is of type IMAGE, which needs an image", d.Name)
			return
		}
		payload := map[string]string{}
		for _, v := range values {
			payload[v.name] = v.value
		}
		text, err := json.Marshal(payload)
		if err != nil {
			p.fail(s.at(n), d.Name, "", "%v", err)
			return
		}
		t.Executor = task.Advanced{
			Image: d.Image, Payload: base64.StdEncoding.EncodeToString(text), Env: advancedEnv(a, p.opts.Facts.Variables),
			DeployerToken: d.DeployTokenInjection.yes() || d.AdminTask.yes(), SSHKey: d.ProjectKeyInjection.yes(), Labels: podLabels(a),
		}
		t.Outputs = []task.OutputDefinition{{Name: task.TaskData, FromExecutor: true}}
	default:
		p.fail(at("type"), d.Name, "", "definition %q is of type %q; the types are COMMAND and IMAGE", d.Name, d.Type)
		return
	}
	p.tasks = append(p.tasks, t)
}
