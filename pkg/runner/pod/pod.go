package pod

import (
	"context"
	"errors"
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
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is no pod task", t.Executor)}
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

// NotCreated returns the result of a task whose object was not created: Unknown when err is a kube.AmbiguousError.
func NotCreated(kind string, err error) task.Result {
	result := task.Result{State: task.Failed, Reason: "NotCreated", Message: fmt.Sprintf("the %s cannot be made: %v", kind, err)}
	if _, unknown := errors.AsType[*kube.AmbiguousError](err); unknown {
		result.State = task.Unknown
	}
	return result
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
		return task.Result{State: task.Unknown, Reason: "ConnectionLost", Message: fmt.Sprintf("pod %s cannot be seen: %v", r.ID.Name(t), err)}, true
	case pod.Labels[RunLabel] != r.ID.Run || known != "" && known != string(pod.UID):
		return task.Result{}, false
	}
	sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "going on with pod %s (UID %s)\n", pod.Name, pod.UID)})
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
			sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "pod %s in namespace %q is left alone; when it is not needed: kubectl delete pod %s -n %s\n", pod.Name, pod.Namespace, pod.Name, pod.Namespace)})
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

// Removal returns how long the deletion of a pod may take. It is requested with the grace of the runner; but a kubelet
// that already stops the pod for another client, such as the Job's controller, keeps the pod's own grace period.
func (r Runner) Removal(spec *corev1.PodSpec) time.Duration {
	own := int64(corev1.DefaultTerminationGracePeriodSeconds)
	if spec.TerminationGracePeriodSeconds != nil {
		own = *spec.TerminationGracePeriodSeconds
	}
	return max(r.Grace, time.Duration(own)*time.Second) + apiTimeout
}

// remove deletes the pod, and waits until it no longer exists when its end was not observed.
func (r Runner) remove(ctx context.Context, pod *corev1.Pod, ended Ended) error {
	deleting, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Removal(&pod.Spec))
	defer cancel()
	err := r.Cluster.DeletePod(deleting, pod, ended.Grace(r.Grace))
	if err == nil && !ended.endSeen && !ended.Vanished {
		err = r.Cluster.FollowPod(deleting, pod, func(*corev1.Pod) bool { return true })
	}
	if err != nil {
		return fmt.Errorf("pod %s in namespace %q could not be deleted: %w; delete it with: kubectl delete pod %s -n %s", pod.Name, pod.Namespace, err, pod.Name, pod.Namespace)
	}
	return nil
}

// Following follows a pod to the end of its main container.
type Following struct {
	Cluster Cluster
	Pod     *corev1.Pod
	// Main is the container whose exit ends the pod; with All, the pod ends when all containers have exited.
	Main string
	All  bool
	// Prefix precedes the names of containers in the output; may be empty.
	Prefix string
	// Restarts reports that the kubelet restarts containers after a failure.
	Restarts bool
	// StuckTimeout is as in Runner.
	StuckTimeout time.Duration
	// Files are the files of the container with outputs. The first one is the container's termination message.
	Files []string
	// OnUpdate is as in Runner.
	OnUpdate func(*corev1.Pod)
}

// Ended is the result of following a pod.
type Ended struct {
	task.Result
	// Vanished reports that the pod was deleted before the end of its main container was observed, Deleting that its
	// deletion had begun when it ended, and Stuck that it did not start within the StuckTimeout.
	Vanished, Deleting, Stuck bool
	// LastFailure is the last failure of a container that was restarted in the pod, nil when there is none, and Restarts
	// the number of restarts.
	LastFailure *task.Result
	Restarts    int

	running, endSeen bool
	own              *int64
}

// Wait passes on the output of the containers, and returns when the main one has exited, or can no longer be observed.
func (f Following) Wait(ctx context.Context, sink task.Sink) Ended {
	follower := newFollower(f, sink)
	result := follower.follow(ctx)
	follower.finishLogs()
	if len(f.Files) > 0 && result.State == task.Succeeded {
		result = withFile(result, f.Files[0], follower.end.Message)
	}
	return Ended{
		Result: result, Vanished: follower.gone, Deleting: follower.deleting, Stuck: follower.stuck, LastFailure: follower.lastFailure, Restarts: follower.restarts,
		running: !follower.allEnded, endSeen: follower.end != nil, own: f.Pod.Spec.TerminationGracePeriodSeconds,
	}
}

// Running reports whether other containers of the pod still ran when its main one exited.
func (e Ended) Running() bool { return e.running && e.endSeen }

// maxMessage is the length in bytes to which the kubelet cuts a termination message (k8s.io/kubernetes, pkg/kubelet).
const maxMessage = 4096

// withFile returns the result with the text of a file. A text of the maximum length was probably cut off.
func withFile(r task.Result, path, text string) task.Result {
	switch {
	case len(text) >= maxMessage:
		r.State, r.Reason = task.Failed, "Output"
		r.Message = fmt.Sprintf("%s is too long: of a pod's file, Kubernetes keeps %d bytes; print the output instead", path, maxMessage-1)
	case text != "":
		r.Files = map[string]string{path: text}
	}
	return r
}

// sidecarGrace is the grace of the other containers after the main one has exited.
const sidecarGrace = time.Second

// Grace returns the grace for the containers that still run: stopped for a pod that is stopped before its end,
// sidecarGrace, or less, for the others of a main container that has exited.
func (e Ended) Grace(stopped time.Duration) time.Duration {
	switch {
	case !e.running:
		return 0
	case !e.endSeen:
		return stopped
	case e.own != nil:
		return min(sidecarGrace, time.Duration(*e.own)*time.Second)
	}
	return sidecarGrace
}

// target returns the result with the pod as its target.
func target(pod *corev1.Pod, container string, r task.Result) task.Result {
	r.Targets = []task.Target{{Pod: pod.Name, Container: container, State: r.State, ExitCode: r.ExitCode, Message: r.Message}}
	return r
}

// stuckError is the cause that ends following a pod that does not start.
type stuckError struct{ reason, message string }

func (s stuckError) Error() string { return s.message }

// ended returns the result of following the pod.
func (f *follower) ended(ctx context.Context, following context.Context, err error) task.Result {
	stuck, isStuck := errors.AsType[stuckError](context.Cause(following))
	switch {
	case f.end != nil && f.messageIsFile:
		end := *f.end
		end.Message = ""
		return terminated(&end)
	case f.end != nil:
		result := terminated(f.end)
		if result.State == task.Failed && f.disruption != "" {
			result.Message += ": " + f.disruption
		}
		return result
	case f.failure != "":
		return task.Result{State: task.Failed, Reason: "PodFailed", Message: f.failure}
	case f.gone:
		return task.Result{State: task.Unknown, Reason: "PodGone", Message: fmt.Sprintf("pod %s was deleted by another client before its end was seen", f.pod.Name)}
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	case isStuck:
		f.stuck = true
		return task.Result{State: task.Failed, Reason: stuck.reason, Message: stuck.message}
	}
	return task.Result{State: task.Unknown, Reason: "ConnectionLost", Message: fmt.Sprintf("pod %s can no longer be seen: %v", f.pod.Name, err)}
}

// terminated returns the result of a container that has exited.
func terminated(s *corev1.ContainerStateTerminated) task.Result {
	code := int(s.ExitCode)
	if code == 0 {
		return task.Result{State: task.Succeeded, ExitCode: &code}
	}
	message := fmt.Sprintf("exit status %d", code)
	if s.Reason != "" && s.Reason != "Error" {
		message += ": " + s.Reason
	}
	if s.Message != "" {
		message += ": " + s.Message
	}
	return task.Result{State: task.Failed, Reason: "ExitCode", ExitCode: &code, Message: message}
}
