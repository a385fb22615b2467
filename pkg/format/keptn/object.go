package keptn

import (
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// object reads an object, and ignores those of other groups.
func (p *parser) object(n *yaml.Node) {
	version, ours := strings.CutPrefix(scalar(n, "apiVersion"), group)
	if !ours {
		version, ours = strings.CutPrefix(scalar(n, "apiVersion"), metricsGroup)
	}
	if !ours {
		return
	}
	kind := scalar(n, "kind")
	if !slices.Contains(versions, version) {
		p.fail(p.at(nodeAt(n, "apiVersion")), "", "", "the version of a %s is one of %s%s, not %q", kind, group, strings.Join(versions, ", "), version)
		return
	}
	if !p.checkVersion(kind, version, n) {
		return
	}
	switch kind {
	case "KeptnTaskDefinition":
		d := &locatedDefinition{node: n, file: p.file}
		if p.fallback && p.definitions[nameOf(n)] != nil {
			return
		}
		if p.decode(n, &d.definition) {
			p.addDefinition(d)
		}
	case "KeptnTask":
		a := locatedTask{node: n}
		if p.decode(n, &a.taskObject) {
			p.keptnTasks = append(p.keptnTasks, a)
		}
	case "KeptnApp":
		if a := new(app); p.decode(n, a) && p.wiring != nil {
			p.apps[a.Metadata.Name] = a
		}
	case "KeptnEvaluationDefinition":
		if e := (&evaluationDefinition{node: n, file: p.file}); p.decode(n, e) && p.wiring != nil {
			p.evaluationDefinitions[e.Metadata.Name] = e
		}
	case "KeptnMetric":
		if m := new(metric); p.decode(n, m) && p.wiring != nil {
			p.metrics[m.Metadata.Name] = m
		}
	case "KeptnMetricsProvider":
		if m := new(provider); p.decode(n, m) && p.wiring != nil {
			p.providers[m.Metadata.Name] = m
		}
	case "KeptnAppContext":
		if c := new(appContext); p.decode(n, c) && p.wiring != nil {
			p.contexts[c.Metadata.Name] = c
		}
	}
}

// decode fills target from an object. It returns false after a finding.
func (p *parser) decode(n *yaml.Node, target any) bool {
	wrong := strict.Decode(n, reflect.ValueOf(target).Elem())
	for _, e := range wrong {
		p.fail(task.Position{File: p.file, Line: e.Line, Column: e.Column}, nameOf(n), "", "%s", e.Message)
	}
	return len(wrong) == 0
}
