// Package service runs Lagoon's rollout tasks: a program in a running pod of one of its services, which it scales up when needed.
package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/exec"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Cluster is the part of a cluster that the runner needs; cluster.Cluster is one.
type Cluster interface {
	FindWorkload(ctx context.Context, namespace, release, service, label string) (string, error)
	TargetPods(ctx context.Context, namespace, target string, choice workload.Choice) ([]corev1.Pod, error)
	AwaitOneReady(ctx context.Context, namespace, target string) error
	ListScaledToZero(ctx context.Context, namespace, selector string) ([]appsv1.Deployment, error)
}

// Runner runs service tasks.
type Runner struct {
	Cluster Cluster
	// Exec runs the program in the pod.
	Exec exec.Runner
	// Namespace and Release are where the service is.
	Namespace, Release string
	// Installing reports that the release is being installed, so that the message for a missing service says so.
	Installing bool
	// ScaledUp scales workloads up, and down at the end of the run.
	ScaledUp *ScaledUp
}

// Run finds the service's workload, scales it up when it is scaled to zero, and runs the program in its first ready
// pod. An optional task whose workload is missing is Skipped.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	s, ok := t.Executor.(task.Service)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is no service task", t.Executor)}
	}
	pod, done, err := r.pod(ctx, s, sink)
	defer done()
	none, _ := errors.AsType[*workload.NoWorkloadError](err)
	var (
		timeout *timeoutError
		unready *unreadyError
	)
	switch {
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	case none != nil && s.Optional:
		first := ""
		if r.Installing {
			first = " (first install)"
		}
		return task.Result{State: task.Skipped, Reason: "NoDeployment", Message: fmt.Sprintf("no running deployment for service %q%s", s.Name, first)}
	case errors.As(err, &timeout):
		return task.Result{State: task.Failed, Reason: "Timeout", Message: err.Error()}
	case errors.As(err, &unready):
		return task.Result{State: task.Failed, Reason: "NotReady", Message: err.Error()}
	case err != nil:
		return task.Result{State: task.Failed, Reason: "Service", Message: err.Error()}
	}
	container, err := containerOf(pod, s.Container, sink)
	if err != nil {
		return task.Result{State: task.Failed, Reason: "Container", Message: err.Error()}
	}
	r.Exec.Pods = func(context.Context, task.Exec) ([]corev1.Pod, error) { return []corev1.Pod{*pod}, nil }
	t.Executor = task.Exec{Command: s.Command, Container: container}
	return r.Exec.Run(ctx, t, sink)
}

// serving are the pods that serve, the newest revision first.
var serving = workload.Choice{AnyRevision: true}

// pod returns the pod in which the program runs, and a function to call at its end.
func (r Runner) pod(ctx context.Context, s task.Service, sink task.Sink) (pod *corev1.Pod, done func(), err error) {
	done = func() {}
	if s.Unidle {
		if err := r.unidle(ctx, s, sink); err != nil {
			return nil, done, err
		}
	}
	label := s.Label
	if label == "" {
		label = task.ServiceLabel
	}
	target, err := r.Cluster.FindWorkload(ctx, r.Namespace, r.Release, s.Name, label)
	if err != nil {
		return nil, done, err
	}
	use := r.ScaledUp.Use(target)
	done = func() { use.Done(ctx, func(text string) { note(sink, "%s", text) }) }
	pods, err := r.Cluster.TargetPods(ctx, r.Namespace, target, serving)
	none, _ := errors.AsType[*workload.NoPodsError](err)
	if none == nil {
		return first(pods), done, err
	}
	if none.ScaledToZero {
		note(sink, "%s is scaled to zero: scaling it to 1", target)
		if err := r.scaleUp(ctx, use, target, 1); err != nil {
			return nil, done, err
		}
	} else {
		note(sink, "%v; waiting for it", none)
	}
	err = r.await(ctx, target, s.Patience)
	if err == nil {
		pods, err = r.Cluster.TargetPods(ctx, r.Namespace, target, serving)
	}
	if err != nil {
		return nil, done, &unreadyError{err}
	}
	return first(pods), done, nil
}

// unreadyError means that a service has no ready pod after a wait, for which it may have been scaled up.
type unreadyError struct{ err error }

func (e *unreadyError) Error() string { return e.err.Error() }
func (e *unreadyError) Unwrap() error { return e.err }

// timeoutError means that a service had no ready pod in time.
type timeoutError struct {
	target   string
	patience time.Duration
}

func (e *timeoutError) Error() string {
	return fmt.Sprintf("no pod of %s was ready after %s", e.target, e.patience)
}

// await waits for a ready pod of the workload, up to patience.
func (r Runner) await(ctx context.Context, target string, patience time.Duration) error {
	timeout := &timeoutError{target, patience}
	waiting, cancel := context.WithTimeoutCause(ctx, patience, timeout)
	defer cancel()
	err := r.Cluster.AwaitOneReady(waiting, r.Namespace, target)
	if waiting.Err() != nil && ctx.Err() == nil {
		if _, why := r.Cluster.TargetPods(ctx, r.Namespace, target, serving); why != nil {
			return fmt.Errorf("%w: %w", timeout, why)
		}
		return timeout
	}
	return err
}

// scaleUp scales a workload up for this task and those that follow.
func (r Runner) scaleUp(ctx context.Context, use Use, target string, to int64) error {
	err := use.ScaleUpUntilEnd(ctx, to)
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("cannot scale %s to run the task: forbidden: %w", target, err)
	}
	return err
}

// unidle scales the workloads up that Lagoon's idler has scaled to zero, and waits for them. A failure is only a note,
// unless the task requires the environment.
func (r Runner) unidle(ctx context.Context, s task.Service, sink task.Sink) error {
	failed := func(err error) error {
		if s.UnidleOrFail || ctx.Err() != nil {
			return fmt.Errorf("waking the environment: %w", err)
		}
		note(sink, "waking the environment: %v; going on, as requiresEnvironment is not true", err)
		return nil
	}
	idle, err := r.Cluster.ListScaledToZero(ctx, r.Namespace, idleLabel)
	if err != nil {
		return failed(err)
	}
	var up []string
	for _, d := range idle {
		target, replicas := "deployment/"+d.Name, replicasBefore(d)
		note(sink, "%s is idle: scaling it to %d", target, replicas)
		use := r.ScaledUp.Use(target)
		err := r.scaleUp(ctx, use, target, replicas)
		use.Done(ctx, func(string) {})
		if err != nil {
			if err := failed(err); err != nil {
				return err
			}
			continue
		}
		up = append(up, target)
	}
	until := time.Now().Add(s.Patience)
	for _, w := range up {
		if err := r.await(ctx, w, max(time.Until(until), 0)); err != nil {
			if err := failed(err); err != nil {
				return err
			}
		}
	}
	return nil
}

// containerOf returns the container of the pod in which the program runs.
func containerOf(pod *corev1.Pod, name string, sink task.Sink) (string, error) {
	var names []string
	for _, c := range pod.Spec.Containers {
		names = append(names, c.Name)
		if c.Name == name {
			return name, nil
		}
	}
	usual := pod.Annotations["kubectl.kubernetes.io/default-container"]
	switch {
	case name != "":
		return "", fmt.Errorf("pod %s has no container %q; it has %s", pod.Name, name, strings.Join(names, ", "))
	case len(names) == 1:
		return names[0], nil
	case usual != "":
		note(sink, "pod %s has containers %s: running in %s, its default; Lagoon would fail here", pod.Name, strings.Join(names, ", "), usual)
		return usual, nil
	}
	return "", fmt.Errorf("pod %s has containers %s: set \"container\"", pod.Name, strings.Join(names, ", "))
}

func first(pods []corev1.Pod) *corev1.Pod {
	if len(pods) == 0 {
		return nil
	}
	return &pods[0]
}

func note(sink task.Sink, format string, args ...any) {
	sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, format+"\n", args...)})
}
