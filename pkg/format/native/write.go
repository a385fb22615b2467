package native

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Content is the content of a document.
type Content struct {
	// Name is the name of the document; may be empty.
	Name string
	// Head are the lines of the comment at the top.
	Head []string
	// Tasks are written in this order. Their texts may contain expressions.
	Tasks []task.Task
	// Notes are the comments above tasks, by the names of the tasks.
	Notes map[string][]string
	// When are the conditions of tasks in CEL, by the names of the tasks.
	When map[string]string
	// Params are the parameters that texts and conditions refer to. Their default is empty.
	Params []string
	// Env are the environment variables that texts refer to.
	Env []string
}

// Write returns a document as YAML, with comments above its tasks. Invalid names of tasks are converted to valid
// ones.
func Write(w Content) ([]byte, error) {
	names := newNames(w.Tasks)
	document := Document{APIVersion: APIVersion, Kind: Kind, Metadata: Metadata{Name: w.Name}, Env: w.Env}
	empty := ""
	for _, name := range w.Params {
		document.Params = append(document.Params, Param{Name: name, Default: &empty})
	}
	for _, t := range w.Tasks {
		written, err := write(t, names)
		if err != nil {
			return nil, fmt.Errorf("task %q: %w", t.Name, err)
		}
		written.When = w.When[t.Name]
		document.Tasks = append(document.Tasks, written)
	}
	text, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	head := root.Content[0]
	block(head)
	root.HeadComment = comment(w.Head)
	if len(w.Tasks) > 0 {
		for i, n := range valueAt(head, "tasks").Content {
			n.HeadComment = comment(w.Notes[w.Tasks[i].Name])
		}
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(&root); err != nil {
		return nil, err
	}
	return b.Bytes(), encoder.Close()
}

// block changes a node from JSON style to YAML style. Short lists of scalars stay on one line.
func block(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.SequenceNode && !slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return c.Kind != yaml.ScalarNode || len(c.Value) > 80 }) {
		n.Style = yaml.FlowStyle
	}
	for _, c := range n.Content {
		block(c)
	}
}

func comment(lines []string) string { return strings.Join(lines, "\n") }

// names are the valid names of tasks, by their original names.
type names struct{ of map[string]string }

func newNames(tasks []task.Task) names {
	n := names{map[string]string{}}
	used := map[string]bool{}
	for _, t := range tasks {
		name := task.Slug(t.Name)
		unique := name
		for i := 2; used[unique]; i++ {
			unique = fmt.Sprintf("%s-%d", name, i)
		}
		used[unique], n.of[t.Name] = true, unique
	}
	return n
}
