package sleep

import (
	"context"
	"fmt"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Runner runs sleep tasks.
type Runner struct{}

// Run succeeds after the time of the task. It returns earlier, as Cancelled, when ctx is cancelled.
func (Runner) Run(ctx context.Context, t task.Task, _ task.Sink) task.Result {
	s, ok := t.Executor.(task.Sleep)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is not a sleep task", t.Executor)}
	}
	timer := time.NewTimer(s.For)
	defer timer.Stop()
	select {
	case <-timer.C:
		return task.Result{State: task.Succeeded}
	case <-ctx.Done():
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	}
}
