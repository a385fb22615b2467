package keptn

import (
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
}

// kinds are those of the workloads that Keptn knows.
var kinds = []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout"}

// Wire returns the tasks around the objects of a release, each with its phase: the app's before those of
// its workloads before the deployment, and after those of its workloads after it; then the app's promotion
// (spec keptn.md § 3.5). They are named "pre/APP/DEFINITION", "pre/APP-WORKLOAD/DEFINITION" and so on with
// "post" and "promotion".
func Wire(objects []map[string]any, w Wiring) ([]task.Task, task.Diagnostics) {
	p := &parser{opts: w.Options, definitions: map[string]*defined{}, wiring: &w, apps: map[string]*app{}, contexts: map[string]*appContext{}}
	for _, d := range w.Documents {
		if p.readable(d.Text) {
			p.opts.Source = d.Source
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
		return task.KeptnContext{AppName: a.name, AppVersion: a.version, TaskType: checkType, ObjectType: "App", Metadata: union(a.Metadata, nil)}
	}
	place := task.Position{File: "keptnapp/" + a.name}
	p.evaluations(place, a.PreDeploymentEvaluations, a.PostDeploymentEvaluations)
	before := p.phase(list{task.PreDeploy, "pre", a.name, place}, a.PreDeploymentTasks, about("pre"), nil)
	var after []string
	for i := range a.workloads {
		w := &a.workloads[i]
		at := task.Position{File: w.of}
		p.evaluations(at, w.preEvaluations, w.postEvaluations)
		for _, name := range w.untrimmed {
			p.warn(at, "", "", "%q in a list of tasks: Keptn would look for a definition of that name, with the spaces", name)
		}
		of := func(checkType string) task.KeptnContext {
			return task.KeptnContext{
				WorkloadName: w.resource(), AppName: a.name, WorkloadVersion: w.version, TaskType: checkType, ObjectType: "Workload",
				Metadata: union(a.Metadata, w.metadata),
			}
		}
		p.phase(list{task.PreDeploy, "pre", w.resource(), at}, w.pre, of("pre"), before)
		after = append(after, p.phase(list{task.PostDeploy, "post", w.resource(), at}, w.post, of("post"), nil)...)
	}
	last := p.phase(list{task.PostDeploy, "post", a.name, place}, a.PostDeploymentTasks, about("post"), after)
	if !p.wiring.Promotion {
		if len(a.PromotionTasks) > 0 {
			p.warn(place, "", "add --promotion", "promotion tasks of app %q are not run", a.name)
		}
		return
	}
	if len(last) == 0 {
		last = after
	}
	p.phase(list{task.PostDeploy, "promotion", a.name, place}, a.PromotionTasks, about("promotion"), last)
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
		p.tasks = append(p.tasks, task.Task{
			Name: name, Phase: g.phase, Executor: k, Needs: needs, Policy: policy, Position: g.at, Source: p.opts.Source,
		})
	}
	return names
}

// evaluations refuses what cannot be evaluated.
func (p *parser) evaluations(at task.Position, lists ...[]string) {
	for _, list := range lists {
		for _, name := range list {
			if p.wiring.SkipEvaluations {
				p.warn(at, "", "", "evaluation %q is skipped", name)
				continue
			}
			p.fail(at, "", "add --skip-evaluations", "evaluation %q needs the Keptn metrics-operator; not evaluated", name)
		}
	}
}
