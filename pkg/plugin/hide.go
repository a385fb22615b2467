package plugin

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// secretsInUse are the Secrets that the tasks of a run use.
type secretsInUse struct {
	read   kube.Secrets
	warned sync.Once
}

// hide returns what takes the values of the Secrets that a pod uses out of what an attempt shows. When
// they cannot be read, that is said, once in a run.
func (r *stepRunner) hide(a engine.Attempt, sink task.Sink) func(context.Context, string, *corev1.PodSpec) {
	return func(ctx context.Context, namespace string, spec *corev1.PodSpec) {
		values, err := r.secrets.read.UsedBy(ctx, r.client, namespace, spec)
		a.Mask(values)
		if err != nil {
			r.secrets.warned.Do(func() {
				sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "what a task prints of its secrets will be shown: %v\n", err)})
			})
		}
	}
}

// hideOfPod is hide for a running pod; one of which only the name is known is looked up.
func (r *stepRunner) hideOfPod(a engine.Attempt, sink task.Sink) func(context.Context, *corev1.Pod) {
	hide := r.hide(a, sink)
	return func(ctx context.Context, pod *corev1.Pod) {
		spec := &pod.Spec
		if len(spec.Containers) == 0 {
			live, err := r.client.GetPod(ctx, pod.Namespace, pod.Name)
			if err != nil {
				return // the program is not there either
			}
			spec = &live.Spec
		}
		hide(ctx, pod.Namespace, spec)
	}
}
