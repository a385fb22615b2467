package keptn

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// application is an app with its workloads.
type application struct {
	name      string
	workloads []annotatedWorkload
	appContextSpec

	version string
}

// addAppObjects adds the tasks and the version of KeptnApp and KeptnAppContext to an app.
func (p *parser) addAppObjects(a *application) {
	if c := p.contexts[a.name]; c != nil {
		a.appContextSpec = c.Spec
	}
	if k := p.apps[a.name]; k != nil {
		a.version = k.Spec.Version
		a.PreDeploymentTasks = append(a.PreDeploymentTasks, k.Spec.PreDeploymentTasks...)
		a.PostDeploymentTasks = append(a.PostDeploymentTasks, k.Spec.PostDeploymentTasks...)
		a.PreDeploymentEvaluations = append(a.PreDeploymentEvaluations, k.Spec.PreDeploymentEvaluations...)
		a.PostDeploymentEvaluations = append(a.PostDeploymentEvaluations, k.Spec.PostDeploymentEvaluations...)
	}
	switch {
	case a.version != "":
	case len(a.workloads) == 1:
		a.version = a.workloads[0].version
	default:
		var names []string
		for i := range a.workloads {
			names = append(names, a.workloads[i].resource()+"-"+a.workloads[i].version)
		}
		slices.Sort(names)
		sum := sha256.Sum256([]byte(strings.Join(names, "")))
		a.version = hex.EncodeToString(sum[:])[:10]
	}
}

// addApplication adds the tasks of an app and its workloads, in Keptn's order.
func (p *parser) addApplication(a *application) {
	keptnContext := func(checkType string) task.KeptnContext {
		return task.KeptnContext{AppName: a.name, AppVersion: a.version, TaskType: checkType, ObjectType: "App", Metadata: p.metadata(a.Metadata, nil)}
	}
	place := task.Position{File: "keptnapp/" + a.name}
	pre, post := taskList{task.PreDeploy, "pre", a.name, place}, taskList{task.PostDeploy, "post", a.name, place}
	before := p.addEvaluations(pre, a.PreDeploymentEvaluations, p.addTasks(pre, a.PreDeploymentTasks, keptnContext("pre"), nil))
	var after []string
	for i := range a.workloads {
		after = append(after, p.addWorkload(a, &a.workloads[i], before)...)
	}
	last := p.addEvaluations(post, a.PostDeploymentEvaluations, firstNonEmpty(p.addTasks(post, a.PostDeploymentTasks, keptnContext("post"), after), after))
	if !p.wiring.Promotion {
		if len(a.PromotionTasks) > 0 {
			p.warn(place, "", "add --promotion", "promotion tasks of app %q are not run", a.name)
		}
		return
	}
	p.addTasks(taskList{task.PostDeploy, "promotion", a.name, place}, a.PromotionTasks, keptnContext("promotion"), last)
}

// addWorkload adds the tasks of a workload, and returns the names of its last ones.
func (p *parser) addWorkload(a *application, w *annotatedWorkload, before []string) []string {
	at := task.Position{File: w.of}
	for _, name := range w.untrimmed {
		p.warn(at, "", "", "%q in a list of tasks: Keptn would look for a definition of that name, with the spaces", name)
	}
	of := func(checkType string) task.KeptnContext {
		return task.KeptnContext{
			WorkloadName: w.resource(), AppName: a.name, WorkloadVersion: w.version, TaskType: checkType, ObjectType: "Workload",
			Metadata: p.metadata(a.Metadata, w.metadata),
		}
	}
	pre, post := taskList{task.PreDeploy, "pre", w.resource(), at}, taskList{task.PostDeploy, "post", w.resource(), at}
	p.addEvaluations(pre, w.preEvaluations, firstNonEmpty(p.addTasks(pre, w.pre, of("pre"), before), before))
	return p.addEvaluations(post, w.postEvaluations, p.addTasks(post, w.post, of("post"), nil))
}

// metadata returns the metadata of an app and a workload with the trace of the run. The workload overrides the app.
func (p *parser) metadata(app, own map[string]string) map[string]string {
	if p.wiring.TraceParent == "" {
		return mergeMaps(app, own)
	}
	return mergeMaps(mergeMaps(app, own), map[string]string{"traceparent": p.wiring.TraceParent})
}

// firstNonEmpty returns the names, else the others.
func firstNonEmpty(names, others []string) []string {
	if len(names) == 0 {
		return others
	}
	return names
}
