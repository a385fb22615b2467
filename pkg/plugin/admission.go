package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// maxAsked is how many questions the server is asked at a time.
const maxAsked = 8

// admitted returns an error when the cluster says of the pod of a task that it will not take it: because of
// the namespace's Pod Security level or, of tasks that wait for nothing, a quota. Nothing is made. A plan of
// one step is not asked about: making its pod says the same.
func (a *App) admitted(ctx context.Context, r *stepRunner, p plan.Plan) error {
	if len(p.Steps) < 2 || a.resuming != nil {
		return nil
	}
	cluster := asked{r.client, sync.OnceValue(func() bool { return r.client.Restricted(ctx, r.namespace) })}
	answers := map[string]func() string{}
	why := make([]func() string, len(p.Steps))
	var asking sync.WaitGroup
	slots := make(chan struct{}, maxAsked)
	for i, s := range p.Steps {
		pod := r.podOf(ctx, cluster, s)
		if pod == nil {
			continue
		}
		shape := shapeOf(pod)
		if answers[shape] == nil {
			answer := sync.OnceValue(func() string { return r.client.RefusesPod(ctx, pod) })
			answers[shape] = answer
			slots <- struct{}{}
			asking.Go(func() {
				answer()
				<-slots
			})
		}
		why[i] = answers[shape]
	}
	asking.Wait()
	var refused []string
	for i, s := range p.Steps {
		if why[i] == nil || why[i]() == "" || strings.Contains(why[i](), "quota") && len(s.Needs) > 0 {
			continue // there may be room by then
		}
		refused = append(refused, fmt.Sprintf("the cluster would not take the pod of task %q: %s", s.ID, why[i]()))
	}
	if len(refused) > 0 {
		return refusedError{strings.Join(refused, "\n") + "\nnothing was touched"}
	}
	return ctx.Err()
}

// asked is a cluster that is asked once whether the namespace is restricted.
type asked struct {
	*kube.Client

	restricted func() bool
}

// Restricted is what pod.Cluster wants.
func (a asked) Restricted(context.Context, string) bool { return a.restricted() }

// podOf returns the pod of a step; nil when it has none, or one that shows only when its turn comes.
func (r *stepRunner) podOf(ctx context.Context, cluster asked, s plan.Step) *corev1.Pod {
	if s.Task == nil || s.Task.Skip != "" || s.Task.Deferred != nil {
		return nil
	}
	pods := r.podRunner(engine.Attempt{Step: s, Number: 1}, func(task.Output) {})
	pods.Cluster = cluster
	switch e := s.Task.Executor.(type) {
	case task.Pod:
		return pods.Build(ctx, *s.Task, e)
	case task.Job:
		return pods.Build(ctx, *s.Task, e.Pod())
	}
	return nil
}

// shapeOf is what pods have in common that are admitted for the same reasons: all but what they run.
func shapeOf(pod *corev1.Pod) string {
	spec := pod.Spec.DeepCopy()
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			containers[i].Command, containers[i].Args, containers[i].Env = nil, nil, nil
		}
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return pod.Name
	}
	return string(text)
}
