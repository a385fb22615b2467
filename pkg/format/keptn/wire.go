package keptn

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Wiring is what the tasks of a release depend on besides its objects.
type Wiring struct {
	Options

	// Documents have the definitions, apps and contexts.
	Documents []Document
	// Promotion runs the promotion tasks, NonBlocking goes on after a task that failed, and
	// SkipEvaluations leaves evaluations out.
	Promotion, NonBlocking, SkipEvaluations bool
	// OncePerVersion runs each task once for a version of its app or workload, as Keptn does.
	OncePerVersion bool
	// MetricsOperator reports that the cluster may have values of metrics.
	MetricsOperator bool
	// TraceParent is the W3C trace of the run; empty when it has none.
	TraceParent string
}

// kinds are those of the workloads that Keptn knows.
var kinds = []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout"}

// Wire returns the tasks around the objects of a release, each with its phase: the app's before those of
// its workloads before the deployment, and after those of its workloads after it; then the app's promotion
// (spec keptn.md § 3.5). They are named "pre/APP/DEFINITION", "pre/APP-WORKLOAD/DEFINITION" and so on with
// "post" and "promotion".
func Wire(objects []map[string]any, w Wiring) ([]task.Task, task.Diagnostics) {
	p := &parser{
		opts: w.Options, definitions: map[string]*defined{}, wiring: &w, apps: map[string]*app{}, contexts: map[string]*appContext{},
		evaluationDefinitions: map[string]*evaluationDefinition{}, metrics: map[string]*metric{}, providers: map[string]*provider{},
	}
	for _, d := range w.Documents {
		if p.readable(d.Text) {
			p.spare = d.Spare
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

// application is an app with its workloads.
type application struct {
	name      string
	workloads []wired
	appContextSpec

	version string
}

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
	for _, name := range sorted(apps) {
		a := apps[name]
		p.complete(a)
		p.application(a)
	}
}

// complete adds to an app what KeptnApp and KeptnAppContext say of it.
func (p *parser) complete(a *application) {
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

// application makes the tasks of an app and its workloads, in Keptn's order.
func (p *parser) application(a *application) {
	about := func(checkType string) task.KeptnContext {
		return task.KeptnContext{AppName: a.name, AppVersion: a.version, TaskType: checkType, ObjectType: "App", Metadata: p.metadata(a.Metadata, nil)}
	}
	place := task.Position{File: "keptnapp/" + a.name}
	pre, post := list{task.PreDeploy, "pre", a.name, place}, list{task.PostDeploy, "post", a.name, place}
	before := p.evaluations(pre, a.PreDeploymentEvaluations, p.phase(pre, a.PreDeploymentTasks, about("pre"), nil))
	var after []string
	for i := range a.workloads {
		after = append(after, p.workload(a, &a.workloads[i], before)...)
	}
	last := p.evaluations(post, a.PostDeploymentEvaluations, orElse(p.phase(post, a.PostDeploymentTasks, about("post"), after), after))
	if !p.wiring.Promotion {
		if len(a.PromotionTasks) > 0 {
			p.warn(place, "", "add --promotion", "promotion tasks of app %q are not run", a.name)
		}
		return
	}
	p.phase(list{task.PostDeploy, "promotion", a.name, place}, a.PromotionTasks, about("promotion"), last)
}

// workload makes the tasks of a workload, and returns what comes last of them.
func (p *parser) workload(a *application, w *wired, before []string) []string {
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
	pre, post := list{task.PreDeploy, "pre", w.resource(), at}, list{task.PostDeploy, "post", w.resource(), at}
	p.evaluations(pre, w.preEvaluations, orElse(p.phase(pre, w.pre, of("pre"), before), before))
	return p.evaluations(post, w.postEvaluations, p.phase(post, w.post, of("post"), nil))
}

// metadata returns that of an app with a workload's on top, and the trace of the run.
func (p *parser) metadata(app, own map[string]string) map[string]string {
	if p.wiring.TraceParent == "" {
		return union(app, own)
	}
	return union(union(app, own), map[string]string{"traceparent": p.wiring.TraceParent})
}

// revision is what is raised to run the tasks of a version again.
func (p *parser) revision(name string) int {
	if k := p.apps[name]; k != nil && k.Spec.Revision > 0 {
		return k.Spec.Revision
	}
	return 1
}

// orElse returns the names, or the others when there are none.
func orElse(names, others []string) []string {
	if len(names) == 0 {
		return others
	}
	return names
}

// list is one of tasks: when it runs, and for what.
type list struct {
	phase     task.Phase
	checkType string
	of        string
	at        task.Position
}

// phase makes the tasks of a list, which run side by side, and returns their names.
func (p *parser) phase(g list, definitions []string, about task.KeptnContext, needs []string) []string {
	var names []string
	for _, definition := range definitions {
		d := p.definitions[definition]
		name := fmt.Sprintf("%s/%s/%s", g.checkType, g.of, definition)
		if slices.Contains(names, name) {
			continue
		}
		if d == nil {
			p.absent(g.at, name, definition)
			continue
		}
		k, timeout, ok := p.keptn(d, call{name: g.checkType + "-" + definition, context: about})
		if !ok {
			continue
		}
		policy := task.Policy{Timeout: timeout}
		if p.wiring.NonBlocking {
			policy.OnFailure = task.Warn
		}
		names = append(names, name)
		t := task.Task{Name: name, Phase: g.phase, Executor: k, Needs: needs, Policy: policy, Position: g.at, Source: p.opts.Source}
		if p.wiring.OncePerVersion {
			t.Once = fmt.Sprintf("version %s revision %d", cmp.Or(about.AppVersion, about.WorkloadVersion), p.revision(about.AppName))
		}
		p.tasks = append(p.tasks, t)
	}
	return names
}
