package job

import (
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// observe takes a state of the Job, nil when it no longer exists. Its conditions decide only if its pods have not: they
// are set later. It returns false at the end of the Job.
func (w *watch) observe(j *batchv1.Job) bool {
	if j == nil {
		w.stop(verdictOf(task.Result{State: task.Unknown, Reason: "JobGone", Message: fmt.Sprintf("Job %s was deleted by another client before its end was observed", w.job.Name)}))
		return false
	}
	if suspended := j.Spec.Suspend != nil && *j.Spec.Suspend; suspended && !w.suspendNoted {
		w.suspendNoted = true
		w.note("the Job is suspended: it waits for another client, such as a queue, to resume it")
	}
	for _, c := range j.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			continue
		}
		switch c.Type {
		case batchv1.JobComplete, batchv1.JobSuccessCriteriaMet:
			w.settle(w.completed)
		case batchv1.JobFailed, batchv1.JobFailureTarget:
			w.settle(func() task.Result { return w.failed(c) })
		default:
			continue
		}
		return false
	}
	return true
}

// podDelay limits the wait for the ends of the pods after that of the Job, which comes from another watch.
const podDelay = 3 * time.Second

// settle ends following when the ends of the pods are known too.
func (w *watch) settle(final func() task.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.final = final
	w.conclude()
}

// podsListed records that all existing pods are known.
func (w *watch) podsListed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listed = true
	w.conclude()
}

// conclude ends following when the Job and all of its pods have ended, or after podDelay.
func (w *watch) conclude() {
	switch {
	case w.final == nil || !w.listed:
	case len(w.ended) == len(w.feeds):
		w.stop(verdict{w.final})
	case w.podTimer == nil:
		w.podTimer = time.AfterFunc(podDelay, func() { w.stop(verdict{w.final}) })
	}
}
