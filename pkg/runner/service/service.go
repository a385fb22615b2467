package service

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

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
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is not a service task", t.Executor)}
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

func note(sink task.Sink, format string, args ...any) {
	sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, format+"\n", args...)})
}
