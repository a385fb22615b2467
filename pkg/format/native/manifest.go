package native

import (
	"fmt"
	"path"
	"reflect"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// manifest is a Kubernetes object in a file of its own.
type manifest[Spec any] struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   metav1.ObjectMeta `json:"metadata"`
	Spec       Spec              `json:"spec"`
	Status     any               `json:"status"`
}

// manifest reads the object of a kind from a file beside the document, as strictly as the document;
// false after a finding.
func (p *parser) manifest(t Task, name, apiVersion, kind string, n *yaml.Node, into any) bool {
	fail := func(format string, args ...any) {
		p.fail(at(place(n, "file"), "task %q: "+format, append([]any{t.Name}, args...)...), t.Name)
	}
	if p.options.ReadFile == nil {
		fail("file: %s: there is no directory that it could be in", name)
		return false
	}
	text, err := p.options.ReadFile(name)
	if err != nil {
		fail("file: %v", err)
		return false
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		fail("file: %s: %v", name, err)
		return false
	}
	if len(root.Content) == 0 {
		fail("file: %s is empty", name)
		return false
	}
	expanded, err := new(expander).expand(root.Content[0], 0)
	d := &decoder{}
	if err == nil {
		d.decode(expanded, reflect.ValueOf(into).Elem())
		for _, l := range d.errors {
			fail("%s:%d:%d: %s", path.Base(name), l.line, l.column, l.message)
		}
	} else {
		fail("file: %s: %v", name, err)
		return false
	}
	head := reflect.ValueOf(into).Elem()
	if got := fmt.Sprintf("%s %s", head.FieldByName("APIVersion"), head.FieldByName("Kind")); len(d.errors) == 0 && got != apiVersion+" "+kind {
		fail("%s holds %s; it must be %s %s", name, got, apiVersion, kind)
		return false
	}
	return len(d.errors) == 0
}
