package job

import (
	"context"
	"errors"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// removed returns the task's result. Its CleanUp deletes a Job whose end was observed; removed itself deletes any other.
func (w *watch) removed(ctx context.Context, result task.Result) task.Result {
	failed := func(err error) error {
		return fmt.Errorf("the Job %s in namespace %q could not be deleted: %w; to delete it, run: kubectl delete job %s -n %s", w.job.Name, w.job.Namespace, err, w.job.Name, w.job.Namespace)
	}
	stopped := result.State == task.Cancelled
	if result.State == task.Succeeded || result.State == task.Failed {
		result.CleanUp = func() {
			if err := w.remove(ctx, false); err != nil {
				w.note(failed(err).Error())
			}
		}
		return result
	}
	if err := w.remove(ctx, stopped); err != nil {
		if stopped {
			// The Job may still run.
			return task.Result{State: task.Unknown, Reason: "NotStopped", Message: failed(err).Error(), Targets: result.Targets}
		}
		w.note(failed(err).Error())
	}
	return result
}

// remove deletes the Job, and its pods that still run within their grace. When the Job was stopped, it waits until all
// are deleted.
func (w *watch) remove(ctx context.Context, stopped bool) error {
	limit := w.runner.Pods.Removal(&w.job.Spec.Template.Spec)
	for _, e := range w.ended {
		limit = max(limit, w.runner.Pods.Removal(&e.pod.Spec)) // a webhook may have changed its grace period
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if err := w.runner.Cluster.DeleteJob(ctx, w.job); err != nil {
		return err
	}
	var all []error
	for _, e := range w.ended {
		all = append(all, w.runner.Cluster.DeletePod(ctx, e.pod, e.Grace(w.runner.Pods.Grace)))
	}
	if stopped {
		all = append(all, w.runner.Cluster.FollowJob(ctx, w.job, func(j *batchv1.Job) bool { return j != nil }))
	}
	return errors.Join(all...)
}
