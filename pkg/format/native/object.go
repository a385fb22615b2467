package native

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// reference checks that an object is KIND/NAME, or has an expression.
func (p *parser) reference(name, what, object string, n *yaml.Node) {
	kind, of, ok := strings.Cut(object, "/")
	if strings.Contains(object, "${") {
		ok = true
	} else {
		ok = ok && kind != "" && of != "" && !strings.Contains(of, "/")
	}
	if !ok {
		p.fail(strict.At(n, "task %q: %s is %q; write KIND/NAME, such as deployment/web", name, what, object), name)
		return
	}
	p.kind(name, what, object, n)
}

// kind reports an object whose kind is probably misspelt: it is similar to a built-in kind. Other unknown kinds
// may be custom resources.
func (p *parser) kind(name, what, object string, n *yaml.Node) {
	kind, _, _ := strings.Cut(object, "/")
	if meant := task.SuggestKind(kind); meant != "" && !strings.Contains(kind, "${") {
		p.fail(strict.At(n, "task %q: %s is %q: there is no kind %q; did you mean %q? A kind of another group is written KIND.GROUP/NAME", name, what, object, kind, meant), name)
	}
}

func (p *parser) wait(t Task, n *yaml.Node) task.Executor {
	p.reference(t.Name, "the object", t.Wait.Object, valueAt(n, "object"))
	if !waitForms.MatchString(t.Wait.For) {
		p.fail(strict.At(valueAt(n, "for"), "task %q: %q cannot be waited for; write ready, deleted, condition=NAME, or jsonpath={.path}=VALUE", t.Name, t.Wait.For), t.Name)
	}
	return task.Wait{Object: t.Wait.Object, For: t.Wait.For}
}

// waitForms matches the conditions of a wait. JSONPath is checked when it is evaluated.
var waitForms = regexp.MustCompile(`^(|ready|deleted|condition=.+|jsonpath=.+|.*\$\{.*)$`)
