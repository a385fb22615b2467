package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

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
		note(sink, "pod %s has containers %s: running in %s, its default container; Lagoon fails here", pod.Name, strings.Join(names, ", "), usual)
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
