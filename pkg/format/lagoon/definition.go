package lagoon

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// definition is an advanced task definition as Lagoon's API returns it (spec lagoon.md § 2d).
type definition struct {
	Name                   string     `json:"name"`
	Type                   string     `json:"type"`
	Service                string     `json:"service"`
	Command                string     `json:"command"`
	Image                  string     `json:"image"`
	ConfirmationText       string     `json:"confirmationText"`
	DeployTokenInjection   loose      `json:"deployTokenInjection"`
	ProjectKeyInjection    loose      `json:"projectKeyInjection"`
	AdminTask              loose      `json:"adminTask"`
	AdvancedTaskDefinition []argument `json:"advancedTaskDefinitionArguments"`
}

// argument is what a definition asks for.
type argument struct {
	Name         string  `json:"name"`
	Type         string  `json:"type"`
	DisplayName  string  `json:"displayName"`
	DefaultValue *string `json:"defaultValue"`
	Optional     loose   `json:"optional"`
}

// The types of arguments.
const (
	stringType       = "STRING"
	numericType      = "NUMERIC"
	environmentType1 = "ENVIRONMENT_SOURCE_NAME"
	environmentType2 = "ENVIRONMENT_SOURCE_NAME_EXCLUDE_SELF"
)

var (
	argumentTypes = []string{stringType, numericType, environmentType1, environmentType2}
	// numeric is Lagoon's own check.
	numeric = regexp.MustCompile(`^[0-9.]+$`)
	// shellName is a name that a shell can assign to.
	shellName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// Parameters returns the names of the arguments of the definitions in a text, sorted; none when it
// has no definitions.
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

// maxDepth is how deep in an answer of the API a definition may be.
const maxDepth = 6

// definitionNodes returns the definitions in a document: one, a list, or the API's answer around
// them.
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
		p.fail(p.whole(err), "", "", "not JSON or YAML: %s", syntax(err))
		return
	}
	nodes := definitionNodes(root.Content[0], 0)
	if len(nodes) == 0 {
		p.fail(task.Position{File: p.opts.Source.Name}, "", "", "there is no definition of a task: one has a name and a type")
	}
	seen := map[string]bool{}
	for _, n := range nodes {
		p.definition(n, seen)
	}
}

func (p *parser) definition(n *yaml.Node, seen map[string]bool) {
	s := shape{p: p, file: p.opts.Source.Name}
	at := func(key string) task.Position {
		if v := value(n, key); v != nil {
			return s.at(v)
		}
		return s.at(n)
	}
	var d definition
	if err := decode(n, &d); err != nil {
		p.fail(s.at(n), "", "", "this definition cannot be read: %v", cause(err))
		return
	}
	switch {
	case d.Name == "":
		p.fail(at("name"), "", "", "the definition has no name")
		return
	case seen[d.Name]:
		p.fail(at("name"), d.Name, "", "the definition %q is here twice", d.Name)
		return
	}
	seen[d.Name] = true
	values, ok := p.arguments(d, s.at(n))
	if !ok {
		return
	}
	p.asked[d.Name] = d.AdvancedTaskDefinition
	a := about{name: task.Slug(d.Name)}
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
			Image: d.Image, Payload: base64.StdEncoding.EncodeToString(text), Env: advancedEnv(a, p.opts.Facts.Given),
			DeployerToken: d.DeployTokenInjection.yes() || d.AdminTask.yes(), SSHKey: d.ProjectKeyInjection.yes(), Labels: podLabels(a),
		}
		t.Outputs = []task.OutputDefinition{{Name: task.TaskData, FromExecutor: true}}
	default:
		p.fail(at("type"), d.Name, "", "definition %q is of type %q; there are COMMAND and IMAGE", d.Name, d.Type)
		return
	}
	p.tasks = append(p.tasks, t)
}

// given is an argument with its value.
type given struct{ name, value string }

// arguments returns the values of a definition's arguments: what was given, else the default.
func (p *parser) arguments(d definition, at task.Position) ([]given, bool) {
	before := p.failures()
	var values []given
	for _, a := range d.AdvancedTaskDefinition {
		if !slices.Contains(argumentTypes, a.Type) {
			p.fail(at, d.Name, "", "argument %q of definition %q is of type %q; there are %s", a.Name, d.Name, a.Type, strings.Join(argumentTypes, ", "))
			continue
		}
		if d.Type == "COMMAND" && !shellName.MatchString(a.Name) {
			p.fail(at, d.Name, "", "argument %q of definition %q is no name that a shell can assign to", a.Name, d.Name)
			continue
		}
		value, ok := p.opts.Arguments[a.Name]
		if !ok && a.DefaultValue != nil && *a.DefaultValue != "" {
			value, ok = *a.DefaultValue, true
		}
		switch {
		case !ok && p.opts.Looking:
			continue
		case !ok && !a.Optional.yes():
			p.fail(at, d.Name, fmt.Sprintf("add --param %s=…", a.Name), "definition %q needs the argument %s%s", d.Name, a.Name, described(a))
			continue
		case !ok:
			continue
		case a.Type == numericType && !numeric.MatchString(value):
			p.fail(at, d.Name, "", "argument %s of definition %q is %q, which is no number", a.Name, d.Name, value)
			continue
		case strings.ContainsRune(value, 0):
			p.fail(at, d.Name, "", "argument %s of definition %q has a NUL character", a.Name, d.Name)
			continue
		case a.Type == environmentType1 || a.Type == environmentType2:
			p.warn(at, d.Name, "", "argument type %s needs the Lagoon API; the value %q of %s is accepted unchecked", a.Type, value, a.Name)
		}
		values = append(values, given{a.Name, value})
	}
	return values, p.failures() == before
}

func described(a argument) string {
	if a.DisplayName == "" || a.DisplayName == a.Name {
		return ""
	}
	return " (" + a.DisplayName + ")"
}

// assignments puts arguments before a command, as variables of its shell that the programs it calls do
// not get. Whatever a value holds, the shell does not read it.
func assignments(values []given) string {
	if len(values) == 0 {
		return ""
	}
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = v.name + "=" + Quote(v.value)
	}
	return strings.Join(parts, " ") + "; "
}

// Quote returns a text as a word of a POSIX shell.
func Quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
