package pod

import (
	"context"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Cluster is the part of a cluster that the runner needs; *kube.Client is one.
type Cluster interface {
	Restricted(ctx context.Context, namespace string) bool
	CreatePod(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error)
	GetPod(ctx context.Context, namespace, name string) (*corev1.Pod, error)
	DeletePod(ctx context.Context, pod *corev1.Pod, grace time.Duration) error
	FollowPod(ctx context.Context, pod *corev1.Pod, see func(*corev1.Pod) bool) error
	FollowWarnings(ctx context.Context, pod *corev1.Pod, see func(reason, message string)) error
	CopyLogs(ctx context.Context, pod *corev1.Pod, container string, from kube.LogsFrom, w io.Writer) error
	ReadLogs(ctx context.Context, pod *corev1.Pod, container string, from kube.LogsFrom, w io.Writer) error
	StartOfLog(ctx context.Context, pod *corev1.Pod, container string, n int64) ([]byte, error)
}

// Runner runs pod tasks.
type Runner struct {
	Cluster Cluster
	// Namespace and Release are those of the run.
	Namespace, Release string
	// ID identifies the attempt.
	ID Identity
	// Created is called after the pod is created; may be nil.
	Created func(task.Object)
	// Grace is the time between the signal that stops a pod and the one that kills it.
	Grace time.Duration
	// StuckTimeout is how long a pod may be in a state such as ImagePullBackOff before its task fails.
	StuckTimeout time.Duration
	// OnUpdate is called with each state of the pod; may be nil.
	OnUpdate func(*corev1.Pod)
	// MaskSecrets is called with the spec of a pod before its output is passed on; may be nil.
	MaskSecrets func(ctx context.Context, namespace string, spec *corev1.PodSpec)
}

// apiTimeout limits the creation of a pod, and its deletion in addition to the grace.
const apiTimeout = 30 * time.Second

// Run creates the pod, passes on the output of its containers, and returns when its main container has exited; the
// other containers are then stopped. The CleanUp of the result deletes a pod whose end was observed. A pod that is
// stopped before its end is deleted when Run returns. When another client deletes the pod before its end was observed,
// the result is Unknown.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	p, ok := t.Executor.(task.Pod)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is not a pod task", t.Executor)}
	}
	if err := ctx.Err(); err != nil {
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	}
	// A request that is cancelled on its way may still create the pod.
	creating, cancel := context.WithTimeout(context.WithoutCancel(ctx), apiTimeout)
	defer cancel()
	pod, err := r.Cluster.CreatePod(creating, r.Build(creating, t, p))
	if err != nil {
		return NotCreated("pod", err)
	}
	r.created(pod)
	return r.follow(ctx, t, pod, sink)
}

func (r Runner) created(pod *corev1.Pod) {
	if r.Created != nil {
		r.Created(task.Object{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)})
	}
}

// Attach follows the pod that an earlier process created for the attempt; false when there is none. known is the pod's
// UID in the record, or empty.
func (r Runner) Attach(ctx context.Context, t task.Task, known string, sink task.Sink) (task.Result, bool) {
	pod, err := r.Cluster.GetPod(ctx, r.Namespace, r.ID.Name(t))
	switch {
	case apierrors.IsNotFound(err):
		return task.Result{}, false
	case err != nil:
		return task.Result{State: task.Unknown, Reason: "ConnectionLost", Message: fmt.Sprintf("pod %s cannot be read: %v", r.ID.Name(t), err)}, true
	case pod.Labels[RunLabel] != r.ID.Run || known != "" && known != string(pod.UID):
		return task.Result{}, false
	}
	sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "reattaching to pod %s (UID %s)\n", pod.Name, pod.UID)})
	r.created(pod)
	return r.follow(ctx, t, pod, sink), true
}

// Follow follows a pod of another client, such as Helm's, to the end of its containers. The pod is not deleted, unless
// ctx is cancelled before its end.
func (r Runner) Follow(ctx context.Context, pod *corev1.Pod, sink task.Sink) task.Result {
	if r.MaskSecrets != nil {
		r.MaskSecrets(ctx, pod.Namespace, &pod.Spec)
	}
	ended := Following{
		Cluster: r.Cluster, Pod: pod, Main: pod.Spec.Containers[0].Name, All: len(pod.Spec.Containers) > 1, StuckTimeout: r.StuckTimeout, OnUpdate: r.OnUpdate,
		Restarts: pod.Spec.RestartPolicy == corev1.RestartPolicyOnFailure || pod.Spec.RestartPolicy == corev1.RestartPolicyAlways,
	}.Wait(ctx, sink)
	if ended.State != task.Cancelled {
		return ended.Result
	}
	if err := r.remove(ctx, pod, ended); err != nil {
		return task.Result{State: task.Unknown, Reason: "NotStopped", Message: err.Error(), Targets: ended.Targets}
	}
	return ended.Result
}

// follow follows the pod to its end, and removes it.
func (r Runner) follow(ctx context.Context, t task.Task, pod *corev1.Pod, sink task.Sink) task.Result {
	if r.MaskSecrets != nil {
		r.MaskSecrets(ctx, pod.Namespace, &pod.Spec)
	}
	main := pod.Annotations[MainAnnotation]
	if main == "" {
		main = pod.Spec.Containers[0].Name
	}
	ended := Following{
		Cluster: r.Cluster, Pod: pod, Main: main, All: pod.Annotations[allAnnotation] != "", StuckTimeout: r.StuckTimeout, Files: t.Files(), OnUpdate: r.OnUpdate,
	}.Wait(ctx, sink)
	result := ended.Result
	remove := func() error { return r.remove(ctx, pod, ended) }
	switch result.State {
	case task.Succeeded, task.Failed:
		result.CleanUp = func() {
			if err := remove(); err != nil {
				sink(task.Output{Stream: task.Note, Data: []byte(err.Error() + "\n")})
			}
		}
		return result
	case task.Unknown:
		if !ended.Vanished {
			// The pod is the only source of the task's result.
			sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "pod %s in namespace %q is not deleted; to delete it, run: kubectl delete pod %s -n %s\n", pod.Name, pod.Namespace, pod.Name, pod.Namespace)})
			return result
		}
	case task.Skipped, task.Cancelled, task.NotRun:
	}
	if err := remove(); err != nil {
		if result.State == task.Cancelled {
			// The pod may still run.
			return task.Result{State: task.Unknown, Reason: "NotStopped", Message: err.Error(), Targets: result.Targets}
		}
		sink(task.Output{Stream: task.Note, Data: []byte(err.Error() + "\n")})
	}
	return result
}
