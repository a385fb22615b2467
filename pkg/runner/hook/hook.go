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
	// Pods says how pods are followed.
	Pods pod.Runner
	// Make makes the objects of the hook and returns them as the cluster has them.
	Make func() ([]*unstructured.Unstructured, error)
}

// noStuckTimeout is the patience with a pod that does not start: a hook has its timeout, as with Helm.
const noStuckTimeout = 1000 * time.Hour

// Run makes the hook's objects, passes on what its Job or Pod prints, and returns when that has ended; other
// objects are done when they are made. What is stopped is gone when Run returns; all else stays, for the hook's
// own delete policy decides about it.
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
		switch o.GroupVersionKind().GroupKind() { // others have Jobs too
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
