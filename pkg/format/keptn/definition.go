package keptn

import (
	"regexp"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The defaults of Keptn's CRD.
const (
	defaultRetries = 10
	defaultTimeout = "5m"
	defaultTTL     = 300
)

// validTimeout is the pattern of timeouts in Keptn's CRD.
var validTimeout = regexp.MustCompile(`^(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$`)

// addDefinition checks a definition by the rules of Keptn's webhook, and adds it.
func (p *parser) addDefinition(d *locatedDefinition) {
	name := d.Metadata.Name
	if name == "" {
		p.fail(d.at(nodeAt(d.node, "metadata")), "", "", "a KeptnTaskDefinition needs a name")
		return
	}
	if p.inOtherNamespace(d.Metadata.Namespace) {
		p.warn(d.at(nodeAt(d.node, "metadata", "namespace")), name, "", "the definition is in namespace %q; it runs in the namespace of the release", d.Metadata.Namespace)
	}
	spec := nodeAt(d.node, "spec")
	count := 0
	for _, set := range []bool{d.Spec.Container != nil, d.Spec.Python != nil, d.Spec.Deno != nil || d.Spec.Function != nil} {
		if set {
			count++
		}
	}
	switch {
	case count == 0:
		p.fail(d.at(spec), name, "", "Either Container, Python, or Deno field must be defined")
		return
	case count > 1:
		p.fail(d.at(spec), name, "", "Only one of Container, Python, or Deno field can be defined")
		return
	}
	if d.Spec.Function != nil {
		p.warn(d.at(nodeAt(d.node, "spec", "function")), name, "write deno: instead", "function is the name of deno before v1; a current Keptn drops it")
		if d.Spec.Deno == nil {
			d.Spec.Deno = d.Spec.Function
		}
	}
	if t := d.Spec.Timeout; t != nil && !validTimeout.MatchString(*t) {
		p.fail(d.at(nodeAt(d.node, "spec", "timeout")), name, "", "invalid timeout %q; write a duration such as 5m", *t)
		return
	}
	if first := p.definitions[name]; first != nil {
		p.fail(d.at(d.node), name, "", "the definition %q is defined twice, first at %s", name, first.at(first.node))
		return
	}
	p.definitions[name] = d
	p.order = append(p.order, name)
}

// inOtherNamespace reports whether an object has another namespace than the run.
func (p *parser) inOtherNamespace(namespace string) bool {
	return p.opts.Namespace != "" && namespace != "" && namespace != p.opts.Namespace
}

// duration returns a valid timeout; the default for nil.
func duration(text *string) time.Duration {
	if text == nil {
		return parseDuration(defaultTimeout)
	}
	return parseDuration(*text)
}

func parseDuration(text string) time.Duration {
	if text == "0" {
		return 0
	}
	d, _ := time.ParseDuration(text) // no error: it matches validTimeout
	return d
}

// runtimeKey returns the key below spec with the script.
func (d *locatedDefinition) runtimeKey() string {
	switch {
	case d.Spec.Python != nil:
		return "python"
	case d.Spec.Function != nil:
		return "function"
	}
	return "deno"
}

// runtime returns the runtime of a definition and its script; nil for a container.
func (d *locatedDefinition) runtime() (task.Runtime, *runtimeSpec) {
	if d.Spec.Python != nil {
		return task.Python, d.Spec.Python
	}
	return task.Deno, d.Spec.Deno
}
