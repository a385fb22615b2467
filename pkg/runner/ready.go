package runner

import (
	"context"
	"errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// awaitRelease waits until the workloads of the release are ready.
func (s *Steps) awaitRelease(ctx context.Context) task.Result {
	objects, err := s.Objects()
	if err == nil {
		err = s.cluster().WaitReady(ctx, workload.Of(objects), s.Readiness)
	}
	return waited(ctx, err)
}

// awaitObject waits until the object of a step is ready.
func (s *Steps) awaitObject(ctx context.Context, step plan.Step) task.Result {
	return waited(ctx, s.cluster().WaitObject(ctx, step.Release.Namespace, step.Object, s.Readiness))
}

// waited returns the result of a wait that returned err.
func waited(ctx context.Context, err error) task.Result {
	var notReady *ready.NotReadyError
	switch {
	case err == nil:
		return task.Result{State: task.Succeeded}
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	case errors.As(err, &notReady) && notReady.Waited > 0:
		return task.Result{State: task.Failed, Reason: engine.ReasonTimeout, Message: err.Error()}
	}
	return task.Result{State: task.Failed, Reason: "NotReady", Message: err.Error()}
}
