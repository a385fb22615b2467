package hook

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/job"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Runner runs hooks.
type Runner struct {
	Cluster job.Cluster
	// Pods is how pods are followed.
	Pods pod.Runner
	// Make creates the objects of the hook, and returns them as the server has them.
	Make func() ([]*unstructured.Unstructured, error)
}

// noStuckTimeout lets a pod that does not start wait until the timeout of its hook, as with Helm.
const noStuckTimeout = 1000 * time.Hour

// Run creates the hook's objects, passes on the output of its Job or Pod, and returns at its end; other objects succeed
// when they are created. An object that is stopped is deleted when Run returns. All others stay, as the hook's delete
// policy applies to them.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	if ctx.Err() != nil {
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	}
	objects, err := r.Make()
	if err != nil {
		return task.Result{State: task.Failed, Reason: "NotCreated", Message: err.Error()}
	}
	r.Pods.StuckTimeout = noStuckTimeout
	result := task.Result{State: task.Succeeded}
	for _, o := range objects {
		switch o.GroupVersionKind().GroupKind() { // not the Kind alone: other groups have Jobs too
		case batchv1.SchemeGroupVersion.WithKind("Job").GroupKind():
			var j batchv1.Job
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &j); err != nil {
				return notRead(o, err)
			}
			result = job.Runner{Cluster: r.Cluster, Pods: r.Pods}.Follow(ctx, &j, t, sink)
		case corev1.SchemeGroupVersion.WithKind("Pod").GroupKind():
			var p corev1.Pod
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &p); err != nil {
				return notRead(o, err)
			}
			result = r.Pods.Follow(ctx, &p, sink)
		}
		if result.State != task.Succeeded {
			return result
		}
	}
	return result
}

func notRead(o *unstructured.Unstructured, err error) task.Result {
	return task.Result{State: task.Failed, Reason: "NotCreated", Message: fmt.Sprintf("%s %s: %v", o.GetKind(), o.GetName(), err)}
}
