package readiness

import (
	"errors"
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The apiVersion and the kind of a file with rules.
const (
	APIVersion = "kubectl-tasks.io/v1alpha1"
	Kind       = "Readiness"
)

// document is the content of a file.
type document struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Rules      []rule `json:"rules"`
}

type rule struct {
	// Group and Kind select the resources. The core group is empty.
	Group string `json:"group"`
	Kind  string `json:"kind"`
	// Wait is false for resources that are always ready.
	Wait *bool `json:"wait"`
	// Ready, Failed and Reason are CEL expressions with the variable "object": two conditions and a text.
	Ready  string `json:"ready"`
	Failed string `json:"failed"`
	Reason string `json:"reason"`
}

// Rule decides whether resources of a kind are ready.
type Rule struct {
	Group, Kind string
	// Waits is false for resources that are always ready.
	Waits bool

	ready, failed, reason expression.Object
}

// Parse returns the rules of a file. The error is task.Diagnostics with all findings.
func Parse(file string, text []byte) ([]Rule, error) {
	var found task.Diagnostics
	fail := func(e strict.Error) {
		found = append(found, task.Diagnostic{Position: task.Position{File: file, Line: e.Line, Column: e.Column}, Severity: task.Error, Message: e.Message})
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		fail(strict.Error{Line: 1, Message: fmt.Sprintf("not YAML: %v", err)})
		return nil, found
	}
	if len(root.Content) == 0 {
		fail(strict.Error{Line: 1, Message: "it is empty; it needs apiVersion, kind and rules"})
		return nil, found
	}
	expanded, err := strict.Expand(root.Content[0])
	if err != nil {
		e, placed := errors.AsType[strict.Error](err)
		if !placed {
			e = strict.At(&root, "%v", err)
		}
		fail(e)
		return nil, found
	}
	var d document
	for _, e := range strict.Decode(expanded, reflect.ValueOf(&d).Elem()) {
		fail(e)
	}
	if d.APIVersion != APIVersion || d.Kind != Kind {
		fail(strict.At(expanded, "apiVersion and kind are %q and %q; write %s and %s", d.APIVersion, d.Kind, APIVersion, Kind))
	}
	rules := make([]Rule, 0, len(d.Rules))
	for i, r := range d.Rules {
		compiled, err := r.compile()
		if err != nil {
			fail(strict.At(nodeOf(expanded, i), "rule %d: %v", i+1, err))
		}
		rules = append(rules, compiled)
	}
	return rules, found.Err()
}

// nodeOf returns the node of a rule.
func nodeOf(root *yaml.Node, rule int) *yaml.Node {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "rules" && rule < len(root.Content[i+1].Content) {
			return root.Content[i+1].Content[rule]
		}
	}
	return root
}

func (r rule) compile() (Rule, error) {
	compiled := Rule{Group: r.Group, Kind: r.Kind, Waits: r.Wait == nil || *r.Wait}
	switch {
	case r.Kind == "":
		return compiled, errors.New("it needs a kind")
	case compiled.Waits && r.Ready == "":
		return compiled, fmt.Errorf("it needs ready, the condition of a ready %s, or wait: false", r.Kind)
	}
	var errs []error
	for text, to := range map[*string]*expression.Object{&r.Ready: &compiled.ready, &r.Failed: &compiled.failed, &r.Reason: &compiled.reason} {
		if *text == "" {
			continue
		}
		var err error
		*to, err = expression.CompileObject(*text)
		errs = append(errs, err)
	}
	return compiled, errors.Join(errs...)
}

// Judge reports whether an object in its JSON form is ready or has failed. Otherwise reason is why it is not
// ready. An object without the fields that the expression refers to is not ready.
func (r Rule) Judge(object map[string]any) (ready, failed bool, reason string) {
	if r.reason != nil {
		if value, err := r.reason(object); err == nil {
			reason = fmt.Sprint(value)
		}
	}
	if r.failed != nil {
		if value, err := r.failed(object); err == nil && value == true {
			return false, true, reason
		}
	}
	value, err := r.ready(object)
	switch {
	case err == nil && value == true:
		return true, false, ""
	case reason != "":
	case err != nil:
		reason = err.Error()
	default:
		reason = "its readiness rule is false"
	}
	return false, false, reason
}
