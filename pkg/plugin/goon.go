package plugin

import (
	"context"
	"fmt"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/advanced"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/job"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// goOn goes on with an attempt that an earlier process of the run has started: with the pod or the Job
// that it made. What cannot be found may have run, so its end is not known. It decides nothing for tasks
// that change nothing, which can be done again.
func (r *stepRunner) goOn(ctx context.Context, a engine.Attempt, sink task.Sink) (task.Result, bool) {
	switch a.Task.Executor.(type) {
	case task.Wait, task.Approve, task.Evaluation:
		return task.Result{}, false
	case task.Host:
		return notSeen("it ran on the machine of the process that died, and its end was not seen"), true
	case task.Exec, task.Service:
		if made := r.madeBy(a); len(made) > 0 {
			return r.execRunner(a, sink).Attach(ctx, *a.Task, made, sink), true
		}
		return notSeen("it was about to start when the process that ran it died, and it is unknown where"), true
	case task.Advanced:
		runner := advanced.Runner{Cluster: r.client, Pods: r.podRunner(a, sink)}
		if result, found := runner.Attach(ctx, *a.Task, r.uid(a, "Pod"), sink); found {
			return result, true
		}
	default:
		pods := r.podRunner(a, sink)
		if result, found := pods.Attach(ctx, *a.Task, r.uid(a, "Pod"), sink); found {
			return result, true
		}
		if result, found := (job.Runner{Cluster: r.client, Pods: pods}).Attach(ctx, *a.Task, r.uid(a, "Job"), sink); found {
			return result, true
		}
	}
	made := r.madeBy(a)
	if len(made) == 0 {
		return notSeen("it was about to start when the process that ran it died; there is no pod of it, and it is unknown whether there was one"), true
	}
	return notSeen(places(made) + " is gone, and its end was not seen"), true
}

// notSeen is the end of an attempt that may have run.
func notSeen(why string) task.Result {
	return task.Result{State: task.Unknown, Reason: "NotSeen", Message: why}
}

func (r *stepRunner) madeBy(a engine.Attempt) []task.Object {
	if r.known == nil {
		return nil
	}
	return r.known(a.ID)
}

// uid is the recorded UID of the object of a kind; empty when there is none.
func (r *stepRunner) uid(a engine.Attempt, kind string) string {
	for _, o := range r.madeBy(a) {
		if o.Kind == kind {
			return o.UID
		}
	}
	return ""
}

// places names objects, as "pod a, pod b".
func places(objects []task.Object) string {
	if len(objects) == 0 {
		return "a pod"
	}
	names := make([]string, len(objects))
	for i, o := range objects {
		names[i] = fmt.Sprintf("%s %s", strings.ToLower(o.Kind), o.Name)
	}
	return strings.Join(names, ", ")
}
