package plugin

import (
	"context"
	"fmt"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// admitted returns an error when the cluster says of the pod of a task that it will not take it: because of
// the namespace's Pod Security level or, of tasks that wait for nothing, a quota. Nothing is made. A plan of
// one step is not asked about: making its pod says the same.
func (a *App) admitted(ctx context.Context, r *stepRunner, p plan.Plan) error {
	if len(p.Steps) < 2 || a.resuming != nil {
		return nil
	}
	var refused []string
	for _, s := range p.Steps {
		if s.Task == nil || s.Task.Skip != "" || s.Task.Late != nil {
			continue
		}
		pods := r.podRunner(engine.Attempt{Step: s, Number: 1}, func(task.Output) {})
		var spec task.Pod
		switch e := s.Task.Executor.(type) {
		case task.Pod:
			spec = e
		case task.Job:
			spec = e.Pod()
		default:
			continue // what it is made of shows when its turn comes
		}
		why := r.client.RefusesPod(ctx, pods.Build(ctx, *s.Task, spec))
		if why == "" || strings.Contains(why, "quota") && len(s.Needs) > 0 {
			continue // there may be room by then
		}
		refused = append(refused, fmt.Sprintf("the cluster would not take the pod of task %q: %s", s.ID, why))
	}
	if len(refused) > 0 {
		return refusedError{strings.Join(refused, "\n") + "\nnothing was touched"}
	}
	return ctx.Err()
}
