package keptn

import (
	"maps"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// script is the script of a definition, with its parameters.
type script struct {
	runtime task.Runtime
	// At most one is set; none when the definition only refers to another one.
	code, codeMap, url string
	parameters         map[string]string
	secret, arguments  string
}

// codeMapPrefix begins the names of the ConfigMaps that Keptn creates from inline code.
const codeMapPrefix = "keptnfn-"

// maxCodeMap limits the part of the definition's name after the prefix.
const maxCodeMap = 245

// own returns the script of a definition without the definition that it refers to.
func (d *locatedDefinition) own() script {
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

// script returns the script of a definition, merged with the definition that it refers to (spec keptn.md § 3.1).
// Code and runtime are those of the other definition. Its own parameters override those of the other, except for
// empty ones. All other fields are its own unless they are empty. It returns false after a finding.
func (p *parser) script(d *locatedDefinition) (script, bool) {
	_, spec := d.runtime()
	name := d.Metadata.Name
	s := d.own()
	if spec.FunctionRef == nil {
		if s.codeMap == "" && s.url == "" {
			p.fail(d.at(nodeAt(d.node, "spec", d.runtimeKey())), name, "give it inline, configMapRef, httpRef or functionRef",
				"no ConfigMap specified or HTTP source specified in TaskDefinition / Namespace: %s, Name: %s", p.opts.Namespace, name)
			return s, false
		}
		return s, true
	}
	place := d.at(nodeAt(d.node, "spec", d.runtimeKey(), "functionRef"))
	parent := p.definitions[spec.FunctionRef.Name]
	switch {
	case parent == nil:
		p.failMissing(place, name, spec.FunctionRef.Name)
		return s, p.opts.Lenient
	case parent.Spec.Container != nil:
		p.fail(place, name, "", "definition %q refers to %q, which is a container and has no code", name, spec.FunctionRef.Name)
		return s, false
	}
	of := parent.own()
	if of.codeMap == "" && of.url == "" {
		_, parentSpec := parent.runtime()
		because := "has no code"
		if parentSpec.FunctionRef != nil {
			because = "refers to another definition; Keptn does not follow that"
		}
		p.fail(place, name, "", "definition %q refers to %q, which %s", name, spec.FunctionRef.Name, because)
		return s, false
	}
	of.parameters = mergeParameters(s.parameters, of.parameters)
	if s.secret != "" {
		of.secret = s.secret
	}
	if s.arguments != "" {
		of.arguments = s.arguments
	}
	return of, true
}

// mergeParameters returns the parameters of both definitions. Its own ones override those of the other, except for
// empty ones.
func mergeParameters(own, other map[string]string) map[string]string {
	all := maps.Clone(other)
	for name, v := range own {
		if _, has := other[name]; v != "" || !has {
			all[name] = v
		}
	}
	return all
}
