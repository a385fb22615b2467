package preflight

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
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// maxReviews is how many dry-run requests are sent at the same time.
const maxReviews = 8

// Admitted returns a RefusedError when the cluster would not admit the pod of a task: because of the namespace's Pod
// Security level or, for a task without needs, a quota. Nothing is created. A plan with one step is not checked: the
// request that creates its pod gets the same answer.
func Admitted(ctx context.Context, steps *runner.Steps, p plan.Plan) error {
	if len(p.Steps) < 2 {
		return nil
	}
	client, namespace := steps.Client, steps.Release.Namespace
	cluster := restricting{client, sync.OnceValue(func() bool { return client.Restricted(ctx, namespace) })}
	answers := map[string]func() string{}
	why := make([]func() string, len(p.Steps))
	var reviews sync.WaitGroup
	slots := make(chan struct{}, maxReviews)
	for i, s := range p.Steps {
		pod := podOf(ctx, steps, cluster, s)
		if pod == nil {
			continue
		}
		shape := shapeOf(pod)
		if answers[shape] == nil {
			answer := sync.OnceValue(func() string { return client.RefusesPod(ctx, pod) })
			answers[shape] = answer
			slots <- struct{}{}
			reviews.Go(func() {
				answer()
				<-slots
			})
		}
		why[i] = answers[shape]
	}
	reviews.Wait()
	var refused []string
	for i, s := range p.Steps {
		if why[i] == nil || why[i]() == "" || strings.Contains(why[i](), "quota") && len(s.Needs) > 0 {
			continue // the quota may have room by then
		}
		refused = append(refused, fmt.Sprintf("the cluster does not admit the pod of task %q: %s", s.ID, why[i]()))
	}
	if len(refused) > 0 {
		return RefusedError{strings.Join(refused, "\n") + "\nnothing was changed"}
	}
	return ctx.Err()
}

// restricting is a cluster that reads once whether the namespace is restricted.
type restricting struct {
	*kube.Client

	restricted func() bool
}

// Restricted implements pod.Cluster.
func (r restricting) Restricted(context.Context, string) bool { return r.restricted() }

// podOf returns the pod that a step would create; nil when it creates none, or one that is known only when the step starts.
func podOf(ctx context.Context, steps *runner.Steps, cluster restricting, s plan.Step) *corev1.Pod {
	if s.Task == nil || s.Task.Skip != "" || s.Task.Deferred != nil {
		return nil
	}
	executor, ok := runner.Of(s.Task.Executor)
	if !ok || executor.Pod == nil {
		return nil
	}
	pods := steps.Pods(engine.Attempt{Step: s, Number: 1}, func(task.Output) {})
	pods.Cluster = cluster
	return executor.Pod(ctx, pods, *s.Task)
}

// shapeOf returns a key that is equal for pods with the same admission: it covers everything except for the commands,
// arguments and variables of the containers.
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
