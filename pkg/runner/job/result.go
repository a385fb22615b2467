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

// failed words the failure of the Job, with that of the pod that failed last. A pod that the Job's controller
// deletes when it gives up tells nothing but how its containers failed before; one that somebody else deleted may
// have done anything, so the end is unknown where the failures that were seen are not enough for the Job's.
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

// enough reports whether a Job fails after so many failed pods, or so many times that containers were started again
// in them (k8s.io/kubernetes, pkg/controller/job: pastBackoffLimitOnFailure).
func (w *watch) exceedsBackoffLimit(failures, restarts int) bool {
	limit := w.job.Spec.BackoffLimit
	if limit == nil || !w.countsDecide() {
		return failures+restarts > 0
	}
	return failures > int(*limit) || restarts >= max(1, int(*limit))
}

// givenUp is how a pod ended whose Job has failed: one that was not seen to its end for that reason failed as its
// containers did before, or was stopped.
func (e endedPod) givenUp(t task.Target) task.Target {
	switch {
	case e.State != task.Cancelled && !e.Vanished:
	case e.LastFailure != nil:
		t.State, t.ExitCode, t.Message = task.Failed, e.LastFailure.ExitCode, e.LastFailure.Message
	default:
		t.State, t.Message = task.Cancelled, "stopped when the Job had failed"
	}
	return t
}

// several reports whether the Job runs more than one pod when none fails.
func (w *watch) several() bool {
	more := func(n *int32) bool { return n != nil && *n > 1 }
	return more(w.job.Spec.Completions) || more(w.job.Spec.Parallelism)
}

// decide sums up the pods that have ended; false as long as the Job may go on. Whether one counts that was being
// deleted when it ended only the Job's controller knows, which may have deleted it.
func (w *watch) decide() (task.Result, bool) {
	spec := w.job.Spec
	succeeded, failed := map[string]bool{}, 0
	for _, e := range w.ended {
		switch {
		case e.Stuck:
			// It could not start, and neither could another one.
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
			last.Message = fmt.Sprintf("%s, after %d pods that failed", last.Message, failed)
		}
		return last, last.State == task.Failed
	}
	return task.Result{}, false
}

// counts reports whether the number of its pods that succeeded or failed says how the Job ends: there are rules
// that let it go on, or end, where that says otherwise.
func (w *watch) countsDecide() bool {
	spec := w.job.Spec
	return spec.PodFailurePolicy == nil && spec.BackoffLimitPerIndex == nil && spec.SuccessPolicy == nil
}
