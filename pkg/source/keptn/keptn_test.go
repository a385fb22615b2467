package keptn

import (
	"errors"
	"strings"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// chart is a chart with templates and values.
type chart struct {
	templates string
	values    map[string]any
	err       error
}

func (c chart) TemplatesContain(text string) bool          { return strings.Contains(c.templates, text) }
func (c chart) Values() (map[string]any, error)            { return c.values, c.err }
func (c chart) Exclude(func(apiVersion, kind string) bool) {}
func (c chart) Excluded() [][]byte                         { return nil }

// TestMentioned: annotations of Keptn can be in the templates or in the values.
func TestMentioned(t *testing.T) {
	for name, tt := range map[string]struct {
		chart chart
		want  bool
	}{
		"templates": {chart{templates: "keptn.sh/workload: web"}, true},
		"values":    {chart{values: map[string]any{"annotations": map[string]any{"keptn.sh/app": "shop"}}}, true},
		"neither":   {chart{templates: "kind: Deployment", values: map[string]any{"a": 1}}, false},
		"no values": {chart{err: errors.New("invalid")}, false},
	} {
		if got := mentioned(tt.chart); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestPrepareWithoutCluster: the cluster is asked only for an install or an upgrade of a chart that mentions Keptn.
func TestPrepareWithoutCluster(t *testing.T) {
	annotated := chart{templates: "keptn.sh/workload: web"}
	for _, tt := range []struct {
		chart chart
		op    task.Operation
		mode  Mode
	}{
		{annotated, task.Uninstall, ""}, {annotated, task.Rollback, Force}, {annotated, task.Install, Ignore}, {chart{}, task.Upgrade, ""},
	} {
		if wires, err := (Cluster{}).Prepare(t.Context(), tt.chart, tt.op, tt.mode); wires || err != nil {
			t.Errorf("%v: %v, error %v", tt, wires, err)
		}
	}
}

func TestIsKeptn(t *testing.T) {
	for version, want := range map[string]bool{
		"lifecycle.keptn.sh/v1": true, "metrics.keptn.sh/v1beta1": true, "options.keptn.sh/v1alpha1": true, "v1": false, "apps/v1": false, "keptn.sh/v1": false,
	} {
		if got := isKeptn(version); got != want {
			t.Errorf("%s: %v", version, got)
		}
	}
}
