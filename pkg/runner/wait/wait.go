package wait

import (
	"context"
	"fmt"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Runner runs wait tasks.
type Runner struct {
	// Namespace is where the objects are.
	Namespace string
	// WaitFor waits; see ready.Waiter.WaitFor.
	WaitFor func(ctx context.Context, namespace, object string, condition ready.Condition, changed func(string)) error
}

// Run returns when the condition is met, and shows each change of the state until then. The engine applies the task's
// time limit.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	w, ok := t.Executor.(task.Wait)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is not a wait task", t.Executor)}
	}
	condition, err := ready.ParseCondition(w.For)
	if err == nil {
		err = r.WaitFor(ctx, r.Namespace, w.Object, condition, func(instead string) {
			sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "%s: %s\n", w.Object, instead)})
		})
	}
	switch {
	case err == nil:
		return task.Result{State: task.Succeeded}
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	}
	return task.Result{State: task.Failed, Reason: "Wait", Message: err.Error()}
}
