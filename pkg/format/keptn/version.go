package keptn

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Differences between the versions of Keptn's objects (spec keptn.md § 3.1, § 3.4, § 3.6; Keptn's own types in
// lifecycle-operator/apis and metrics-operator/api). A cluster drops fields that a version does not have.
var (
	oldVersions = []string{"v1alpha1", "v1alpha2"}
	appVersions = []string{"v1alpha1", "v1alpha2", "v1alpha3"}

	objectiveFields    = []string{"keptnMetricRef", "evaluationTarget"}
	oldObjectiveFields = []string{"name", "query", "evaluationTarget"}
	contextVersions    = []string{"v1", "v1beta1"}
	appContextFields   = []string{"preDeploymentTasks", "postDeploymentTasks", "preDeploymentEvaluations", "postDeploymentEvaluations"}
)

// checkVersion checks the fields that the version of an object does not have or requires. It returns false after a
// finding.
func (p *parser) checkVersion(kind, version string, n *yaml.Node) bool {
	before := len(p.found)
	spec := value(n, "spec")
	old := slices.Contains(oldVersions, version)
	switch kind {
	case "KeptnTaskDefinition":
		if old {
			p.checkFields(kind, version, spec, []string{"function"}, "a later version, such as lifecycle.keptn.sh/v1, has it")
		}
	case "KeptnEvaluationDefinition":
		fields, hint := objectiveFields, "v1alpha2 and earlier have it; name a KeptnMetric with keptnMetricRef"
		if old {
			fields, hint = oldObjectiveFields, "v1alpha3 and later have it"
			p.require(kind, version, spec, "source")
		} else if source := value(spec, "source"); source != nil {
			p.fail(p.at(source), nameOf(n), hint, "source is not a field of %s of %s; Keptn drops it", kind, version)
		}
		if objectives := value(spec, "objectives"); objectives != nil {
			for _, o := range objectives.Content {
				p.checkFields("objective", version, o, fields, hint)
				for _, field := range fields {
					p.require("objective", version, o, field)
				}
				if ref := value(o, "keptnMetricRef"); ref != nil && !old {
					p.require("keptnMetricRef", version, ref, "name")
				}
			}
		}
	case "KeptnMetricsProvider":
		if ref := value(spec, "secretKeyRef"); ref != nil {
			p.require("secretKeyRef", version, ref, "key")
		}
	case "KeptnApp":
		for _, field := range appContextFields {
			if v := value(spec, field); v != nil && !slices.Contains(appVersions, version) {
				p.fail(p.at(v), nameOf(n), "a KeptnAppContext of the same name has it", "%s is not a field of %s of %s; Keptn drops it", field, kind, version)
			}
		}
	case "KeptnAppContext":
		if !slices.Contains(contextVersions, version) {
			p.fail(p.at(nodeAt(n, "apiVersion")), nameOf(n), "", "the version of a %s is one of %s%s, not %q", kind, group, strings.Join(contextVersions, ", "), version)
		}
	}
	return len(p.found) == before
}

// checkFields adds a finding for each field that is not one of these.
func (p *parser) checkFields(what, version string, n *yaml.Node, fields []string, hint string) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if field := n.Content[i]; !slices.Contains(fields, field.Value) {
			p.fail(p.at(field), "", hint, "%s is not a field of %s of %s; Keptn drops it", field.Value, what, version)
		}
	}
}

// require adds a finding when a field is missing or empty.
func (p *parser) require(what, version string, n *yaml.Node, field string) {
	v := value(n, field)
	if n != nil && (v == nil || v.Kind == yaml.ScalarNode && (v.Value == "" || v.ShortTag() == "!!null")) {
		p.fail(p.at(n), "", "", "%s of %s needs %s", what, version, field)
	}
}
