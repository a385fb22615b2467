package keptn

import (
	"maps"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// script is what a runtime runs, and with what: a definition with what it takes of another.
type script struct {
	runtime task.Runtime
	// Exactly one is set, but for a reference to a definition that has none of its own.
	code, codeMap, url string
	parameters         map[string]string
	secret, arguments  string
}

// codeMapPrefix begins the names of the ConfigMaps that Keptn makes of inline code.
const codeMapPrefix = "keptnfn-"

// maxCodeMap is how much of a definition's name follows it.
const maxCodeMap = 245

// own returns the script of a definition without what it refers to.
func (d *defined) own() script {
	runtime, spec := d.runtime()
	s := script{runtime: runtime, arguments: spec.CmdParameters, parameters: map[string]string{}}
	switch {
	case spec.Inline != nil:
		name := d.Metadata.Name
		s.code, s.codeMap = spec.Inline.Code, codeMapPrefix+name[:min(len(name), maxCodeMap)]
	case spec.ConfigMapRef != nil:
		s.codeMap = spec.ConfigMapRef.Name
	case spec.HTTPRef != nil:
		s.url = spec.HTTPRef.URL
	}
	if spec.Parameters != nil {
		maps.Copy(s.parameters, spec.Parameters.Map)
	}
	if spec.SecureParameters != nil {
		s.secret = spec.SecureParameters.Secret
	}
	return s
}

// script returns the script of a definition, merged with the definition that it refers to: code, image
// and file are those of the other; parameters of both, its own first, but for empty ones; the rest its own
// unless it is empty (spec keptn.md § 3.1).
func (p *parser) script(d *defined) (script, bool) {
	_, spec := d.runtime()
	name := d.Metadata.Name
	s := d.own()
	if spec.FunctionRef == nil {
		if s.codeMap == "" && s.url == "" {
			p.fail(d.at(nearest(d.node, "spec", d.runtimeKey())), name, "give it inline, configMapRef, httpRef or functionRef",
				"no ConfigMap specified or HTTP source specified in TaskDefinition / Namespace: %s, Name: %s", p.opts.Namespace, name)
			return s, false
		}
		return s, true
	}
	place := d.at(nearest(d.node, "spec", d.runtimeKey(), "functionRef"))
	parent := p.definitions[spec.FunctionRef.Name]
	switch {
	case parent == nil:
		p.absent(place, name, spec.FunctionRef.Name)
		return s, p.opts.Looking
	case parent.Spec.Container != nil:
		p.fail(place, name, "", "definition %q refers to %q, which is a container and has no code", name, spec.FunctionRef.Name)
		return s, false
	}
	of := parent.own()
	if of.codeMap == "" && of.url == "" {
		_, parentSpec := parent.runtime()
		because := "has no code"
		if parentSpec.FunctionRef != nil {
			because = "refers to another one: Keptn does not follow that"
		}
		p.fail(place, name, "", "definition %q refers to %q, which %s", name, spec.FunctionRef.Name, because)
		return s, false
	}
	of.parameters = merged(s.parameters, of.parameters)
	if s.secret != "" {
		of.secret = s.secret
	}
	if s.arguments != "" {
		of.arguments = s.arguments
	}
	return of, true
}

// merged returns the parameters of a definition with those of another one that it does not have, or
// has empty.
func merged(own, other map[string]string) map[string]string {
	all := maps.Clone(other)
	for name, v := range own {
		if _, has := other[name]; v != "" || !has {
			all[name] = v
		}
	}
	return all
}

// absent says that there is no definition of that name. Whoever only looks does not know what the cluster
// has.
func (p *parser) absent(at task.Position, in, name string) {
	if p.opts.Looking {
		p.warn(at, in, "", "task definition %q is not in the documents; it must be in the cluster", name)
		return
	}
	where := "in the documents"
	if len(p.opts.Namespaces) > 0 {
		where += ", nor in namespace " + strings.Join(p.opts.Namespaces, " or ")
	}
	p.fail(at, in, "", "task definition %q not found %s (Keptn would wait forever)", name, where)
}
