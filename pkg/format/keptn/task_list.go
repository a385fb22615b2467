package keptn

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// taskList is the phase and the owner of a list of tasks.
type taskList struct {
	phase     task.Phase
	checkType string
	of        string
	at        task.Position
}

// addTasks adds the tasks of a list, which run in parallel, and returns their names.
func (p *parser) addTasks(g taskList, definitions []string, keptnContext task.KeptnContext, needs []string) []string {
	var names []string
	for _, definition := range definitions {
		d := p.definitions[definition]
		name := fmt.Sprintf("%s/%s/%s", g.checkType, g.of, definition)
		if slices.Contains(names, name) {
			continue
		}
		if d == nil {
			p.failMissing(g.at, name, definition)
			continue
		}
		k, timeout, ok := p.keptn(d, invocation{name: g.checkType + "-" + definition, context: keptnContext})
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
			t.Once = fmt.Sprintf("version %s revision %d", cmp.Or(keptnContext.AppVersion, keptnContext.WorkloadVersion), p.revision(keptnContext.AppName))
		}
		p.tasks = append(p.tasks, t)
	}
	return names
}

// revision returns the revision of an app. Users increase it to run the tasks of a version again.
func (p *parser) revision(name string) int {
	if k := p.apps[name]; k != nil && k.Spec.Revision > 0 {
		return k.Spec.Revision
	}
	return 1
}
