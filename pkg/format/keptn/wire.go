package keptn

import (
	"encoding/json"
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Wiring are the inputs of Wire in addition to the objects.
type Wiring struct {
	Options

	// Documents contain the definitions, apps and contexts.
	Documents []Document
	// Promotion adds the promotion tasks, NonBlocking continues after a failed task, and SkipEvaluations omits
	// evaluations.
	Promotion, NonBlocking, SkipEvaluations bool
	// OncePerVersion runs each task once per version of its app or workload, as Keptn does.
	OncePerVersion bool
	// MetricsOperator reports that the cluster can have values of metrics.
	MetricsOperator bool
	// TraceParent is the W3C trace of the run; empty when it has none.
	TraceParent string
}

// kinds are the kinds of workloads that Keptn supports.
var kinds = []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout"}

// Wire returns the tasks that the objects of a release ask for, with their phases, and all findings. The order is
// (spec keptn.md § 3.5): tasks of the app and then of its workloads before the deployment, tasks of the workloads
// and then of the app after it, and the promotion of the app. The names are "pre/APP/DEFINITION",
// "pre/APP-WORKLOAD/DEFINITION", and the same with "post" and "promotion".
func Wire(objects []map[string]any, w Wiring) ([]task.Task, task.Diagnostics) {
	p := &parser{
		opts: w.Options, definitions: map[string]*locatedDefinition{}, wiring: &w, apps: map[string]*app{}, contexts: map[string]*appContext{},
		evaluationDefinitions: map[string]*evaluationDefinition{}, metrics: map[string]*metric{}, providers: map[string]*provider{},
	}
	for _, d := range w.Documents {
		if p.checkText(d.Text) {
			p.fallback = d.Fallback
			p.read(d.Source, d.Text)
		}
	}
	p.opts.Source = w.Source
	p.wire(objects)
	p.found.Sort()
	if p.found.Err() != nil {
		return nil, p.found
	}
	return p.tasks, p.found
}

// wire adds the tasks of the objects.
func (p *parser) wire(objects []map[string]any) {
	apps := map[string]*application{}
	for _, o := range objects {
		kind, _ := o["kind"].(string)
		if !slices.Contains(kinds, kind) {
			continue
		}
		var w workload
		text, err := json.Marshal(o)
		if err == nil {
			err = json.Unmarshal(text, &w)
		}
		if err != nil {
			p.fail(task.Position{File: p.opts.Source.Name}, "", "", "%s: %v", kind, err)
			continue
		}
		found, ours := w.wire()
		if !ours {
			continue
		}
		if apps[found.app] == nil {
			apps[found.app] = &application{name: found.app}
		}
		apps[found.app].workloads = append(apps[found.app].workloads, found)
	}
	for _, name := range sortedKeys(apps) {
		a := apps[name]
		p.addAppObjects(a)
		p.addApplication(a)
	}
}
