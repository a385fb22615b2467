package native

import (
	"path"
	"reflect"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// manifest is a Kubernetes object in a file.
type manifest[Spec any] struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   metav1.ObjectMeta `json:"metadata"`
	Spec       Spec              `json:"spec"`
	Status     any               `json:"status"`
}

// manifest decodes an object of a kind from another file of the source, as strictly as the document. It returns
// false after a finding.
func (p *parser) manifest(t Task, name, apiVersion, kind string, n *yaml.Node, into any) bool {
	fail := func(format string, args ...any) {
		p.fail(strict.At(valueAt(n, "file"), "task %q: "+format, append([]any{t.Name}, args...)...), t.Name)
	}
	if p.options.ReadFile == nil {
		fail("file: %s: the document has no directory", name)
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
	expanded, err := strict.Expand(root.Content[0])
	if err != nil {
		fail("file: %s: %v", name, err)
		return false
	}
	if got := valueAt(expanded, "apiVersion").Value + " " + valueAt(expanded, "kind").Value; got != apiVersion+" "+kind {
		fail("%s holds %q; it must be %s %s", name, strings.TrimSpace(got), apiVersion, kind)
		return false
	}
	wrong := strict.Decode(expanded, reflect.ValueOf(into).Elem())
	for _, l := range wrong {
		fail("%s:%d:%d: %s", path.Base(name), l.Line, l.Column, l.Message)
	}
	return len(wrong) == 0
}
