package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/exec"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/host"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// stopGrace is how long a task that is told to stop has before it is killed.
const stopGrace = 5 * time.Second

// stepRunner is the engine's runner: it hands each step to what carries it out. A new executor
// is a package under pkg/runner and a case here.
type stepRunner struct {
	client *kube.Client
	env    environment
	// apply is Helm's step; nil when the run has none.
	apply func() error
	// objects are those of the release's newest revision.
	objects func() ([]*unstructured.Unstructured, error)
	timeout time.Duration

	// applyError is what apply returned, as it was.
	applyError error
}

// Run implements engine.Runner.
func (r *stepRunner) Run(ctx context.Context, step plan.Step, sink task.Sink) task.Result {
	switch step.Kind {
	case plan.Apply, plan.Delete:
		return r.runHelm(ctx)
	case plan.Ready:
		return r.awaitReady(ctx)
	case plan.Task:
	}
	switch step.Task.Executor.(type) {
	case task.Host:
		env := append(environment(nil), r.env...)
		env.set("TASKS_PHASE", string(step.Phase))
		return host.Runner{Env: env, Grace: stopGrace}.Run(ctx, *step.Task, sink)
	case task.Exec:
		return exec.Runner{Client: r.client, Pods: r.pods, Grace: stopGrace}.Run(ctx, *step.Task, sink)
	}
	return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("no runner for %T", step.Task.Executor)}
}

func (r *stepRunner) runHelm(ctx context.Context) task.Result {
	r.applyError = r.apply()
	switch {
	case r.applyError == nil:
		return task.Result{State: task.Succeeded}
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: r.applyError.Error()}
	}
	return task.Result{State: task.Failed, Reason: "Helm", Message: r.applyError.Error()}
}

func (r *stepRunner) awaitReady(ctx context.Context) task.Result {
	objects, err := r.objects()
	if err == nil {
		err = r.client.WaitReady(ctx, objects, r.timeout)
	}
	var notReady *kube.NotReadyError
	switch {
	case err == nil:
		return task.Result{State: task.Succeeded}
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	case errors.As(err, &notReady) && notReady.Waited > 0:
		return task.Result{State: task.Failed, Reason: reasonTimeout, Message: err.Error()}
	}
	return task.Result{State: task.Failed, Reason: "NotReady", Message: err.Error()}
}

// reasonTimeout is the Reason of a step that a time limit ended.
const reasonTimeout = "Timeout"

// pods returns where tasks of the release run.
func (r *stepRunner) pods(ctx context.Context) ([]corev1.Pod, error) {
	objects, err := r.objects()
	if err != nil {
		return nil, err
	}
	return r.client.ReleasePods(ctx, objects)
}
