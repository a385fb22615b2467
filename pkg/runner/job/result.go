package job

import (
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func (w *watch) completed() task.Result {
	result := task.Result{State: task.Succeeded}
	for _, e := range w.ended {
		if e.State == task.Succeeded {
			result.ExitCode, result.Files = e.ExitCode, e.Files
		}
	}
	return result
}

// failed returns the result of a Job that failed, with the message of the pod that failed last. Of a pod that the Job's
// controller deletes after the failure, only the earlier failures of its containers count. Another client may have
// deleted a pod that vanished, so the result is Unknown unless the observed failures exceed the Job's limit.
func (w *watch) failed(c batchv1.JobCondition) task.Result {
	var own, again, deleted, gone *task.Result
	failures, restarts := 0, 0
	for i := range w.ended {
		e := &w.ended[i]
		restarts += e.Restarts
		if e.LastFailure != nil {
			again = e.LastFailure
		}
		switch {
		case e.Vanished:
			gone = &e.Result
		case e.State == task.Failed && e.Deleting:
			deleted = &e.Result
		case e.State == task.Failed:
			own = &e.Result
			failures++
		}
	}
	result := task.Result{State: task.Failed, Reason: c.Reason, Message: strings.TrimSpace(c.Reason + ": " + c.Message)}
	if c.Reason == batchv1.JobReasonDeadlineExceeded {
		return result
	}
	if gone != nil && !w.exceedsBackoffLimit(failures, restarts) {
		return task.Result{State: task.Unknown, Reason: gone.Reason, Message: gone.Message}
	}
	for _, why := range []*task.Result{own, again, deleted} {
		if why != nil {
			result.ExitCode, result.Message = why.ExitCode, why.Message+" ("+c.Reason+")"
			break
		}
	}
	return result
}

// exceedsBackoffLimit reports whether a Job fails after this number of failed pods, or of restarts of their containers
// (k8s.io/kubernetes, pkg/controller/job: pastBackoffLimitOnFailure).
func (w *watch) exceedsBackoffLimit(failures, restarts int) bool {
	limit := w.job.Spec.BackoffLimit
	if limit == nil || !w.countsDecide() {
		return failures+restarts > 0
	}
	return failures > int(*limit) || restarts >= max(1, int(*limit))
}

// givenUp returns the target for a pod of a Job that failed. A pod whose end was not observed because of that has the
// last failure of its containers, or was stopped.
func (e endedPod) givenUp(t task.Target) task.Target {
	switch {
	case e.State != task.Cancelled && !e.Vanished:
	case e.LastFailure != nil:
		t.State, t.ExitCode, t.Message = task.Failed, e.LastFailure.ExitCode, e.LastFailure.Message
	default:
		t.State, t.Message = task.Cancelled, "stopped after the Job failed"
	}
	return t
}

// several reports whether the Job runs several pods even if none fails.
func (w *watch) several() bool {
	more := func(n *int32) bool { return n != nil && *n > 1 }
	return more(w.job.Spec.Completions) || more(w.job.Spec.Parallelism)
}

// decide returns the result that follows from the pods that have ended; false while the Job may continue. A pod whose
// deletion had begun is left to the Job's controller, which may have deleted it itself.
func (w *watch) decide() (task.Result, bool) {
	spec := w.job.Spec
	succeeded, failed := map[string]bool{}, 0
	for _, e := range w.ended {
		switch {
		case e.Stuck:
			// A replacement could not start either.
			return e.Result, true
		case e.Deleting:
		case e.State == task.Succeeded:
			key := e.pod.Name
			if index := e.pod.Annotations[batchv1.JobCompletionIndexAnnotation]; index != "" {
				key = index
			}
			succeeded[key] = true
		case e.State == task.Failed:
			failed++
		}
	}
	last := w.ended[len(w.ended)-1].Result
	last.Targets = nil
	completions := 1
	if spec.Completions != nil {
		completions = int(*spec.Completions)
	}
	switch {
	case !w.countsDecide() || spec.Completions == nil && spec.Parallelism != nil && *spec.Parallelism > 1:
		return task.Result{}, false
	case len(succeeded) >= completions:
		return task.Result{State: task.Succeeded, ExitCode: last.ExitCode, Files: last.Files}, true
	case spec.BackoffLimit != nil && failed > int(*spec.BackoffLimit):
		if failed > 1 {
			last.Message = fmt.Sprintf("%s, after %d failed pods", last.Message, failed)
		}
		return last, last.State == task.Failed
	}
	return task.Result{}, false
}

// countsDecide reports whether the numbers of succeeded and failed pods decide the result of the Job. With certain
// policies in its spec they do not.
func (w *watch) countsDecide() bool {
	spec := w.job.Spec
	return spec.PodFailurePolicy == nil && spec.BackoffLimitPerIndex == nil && spec.SuccessPolicy == nil
}
