package native

import (
	"errors"
	"reflect"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
)

// maxTasks limits the tasks of a document.
const maxTasks = 10_000

// document reads one document of the file.
func (p *parser) document(root *yaml.Node) {
	expanded, err := strict.Expand(root)
	if err != nil {
		if l, ok := errors.AsType[strict.Error](err); ok {
			p.fail(l, "")
		} else {
			p.fail(strict.At(root, "%v", err), "")
		}
		return
	}
	content := expanded
	if expanded.Kind == yaml.DocumentNode {
		if len(expanded.Content) == 0 {
			return
		}
		content = expanded.Content[0]
	}
	if content.Kind == yaml.ScalarNode && content.ShortTag() == "!!null" {
		return
	}
	var document Document
	wrong := strict.Decode(content, reflect.ValueOf(&document).Elem())
	if content.Kind != yaml.MappingNode {
		for _, l := range wrong {
			p.fail(l, "")
		}
		return
	}
	var nodes []*yaml.Node
	if len(document.Tasks) > 0 {
		nodes = valueAt(content, "tasks").Content
	}
	if document.APIVersion != APIVersion {
		p.fail(strict.At(valueAt(content, "apiVersion"), "apiVersion is %q; write %s", document.APIVersion, APIVersion), "")
	}
	if document.Kind != Kind {
		p.fail(strict.At(valueAt(content, "kind"), "kind is %q; write %s", document.Kind, Kind), "")
	}
	if len(document.Tasks) > maxTasks {
		p.fail(strict.At(valueAt(content, "tasks"), "%d tasks; the limit of a document is %d", len(document.Tasks), maxTasks), "")
	}
	// An error inside of a task does not prevent the check of the other tasks. Any other error does.
	valid := p.found.Err() == nil
	broken := map[int]bool{}
	for _, l := range wrong {
		i := l.Within(nodes)
		broken[i], valid = true, valid && i >= 0
		p.fail(l, "")
	}
	if !valid {
		return
	}
	p.params(document.Params, valueAt(content, "params"))
	p.env = document.Env
	p.functions = map[string]*Function{}
	for _, t := range document.Tasks {
		if t.Function != nil {
			p.functions[t.Name] = t.Function
		}
	}
	for i, t := range document.Tasks {
		if broken[i] {
			p.checkHead(t, nodes[i])
		} else {
			p.task(t, nodes[i])
		}
	}
}

// valueAt returns the value of a key, else the mapping itself.
func valueAt(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return n.Content[i+1]
			}
		}
	}
	return n
}
