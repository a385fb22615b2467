package keptn

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Wire returns the tasks that the workloads of a chart ask for. objects are the rendered chart, documents
// have further definitions, and the wiring has the user's options; its documents and the facts of the
// cluster are filled in. The notes are for the user, also next to an error. The error is one of the
// cluster; findings about the objects are in the set.
func (c Cluster) Wire(ctx context.Context, chart Chart, objects []*unstructured.Unstructured, documents []format.Document, w keptn.Wiring) (set format.Set, notes []string, err error) {
	installed := false
	if w.MetricsOperator, err = c.Client.HasGroup(metricsGroup); err == nil {
		installed, err = c.Client.HasGroup(lifecycleGroup)
	}
	if err != nil {
		return set, nil, err
	}
	w.Source = task.Source{Name: "the chart's workloads", Format: format.Keptn}
	w.Documents = format.KeptnDocuments(documents)
	excluded, names := excludedObjects(chart)
	w.Documents = append(w.Documents, excluded...)
	if len(names) > 0 {
		notes = append(notes, "found in the chart, but the CRD is not installed: kept by kubectl-tasks, not applied: "+strings.Join(names, ", "))
	}
	var workloads []map[string]any
	for _, o := range objects {
		if !isKeptn(o.GetAPIVersion()) {
			workloads = append(workloads, o.Object)
			continue
		}
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			return set, notes, fmt.Errorf("%s %s of the chart: %w", o.GetKind(), o.GetName(), err)
		}
		w.Documents = append(w.Documents, rendered(text))
	}
	if installed {
		definitions, err := c.definitions(ctx)
		if err != nil {
			return set, notes, err
		}
		w.Documents = append(w.Documents, definitions...)
		w.Namespaces = c.namespaces()
	}
	set.Tasks, set.Diagnostics = keptn.Wire(workloads, w)
	if len(set.Tasks) > 0 {
		set.Documents = []format.Document{{Source: w.Source}}
	}
	return set, notes, nil
}

// excludedObjects returns the excluded objects of a chart as documents, and their kinds and names.
func excludedObjects(chart Chart) (documents []keptn.Document, names []string) {
	for _, text := range chart.Excluded() {
		var o unstructured.Unstructured
		if yaml.Unmarshal(text, &o.Object) == nil {
			names = append(names, o.GetKind()+" "+o.GetName())
		}
		documents = append(documents, rendered(text))
	}
	return documents, names
}

// rendered returns an object of the rendered chart as a document.
func rendered(text []byte) keptn.Document {
	return keptn.Document{Source: task.Source{Name: "chart (rendered)", Format: format.Keptn}, Text: text}
}
