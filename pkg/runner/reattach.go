package runner

import (
	"context"
	"fmt"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// reattach resumes an attempt that an earlier process of the run has started. It decides nothing when the attempt can
// be run again because its executor changes nothing.
func (s *Steps) reattach(ctx context.Context, executor Executor, a engine.Attempt, sink task.Sink) (result task.Result, decided bool) {
	if executor.RunsAgain {
		return task.Result{}, false
	}
	if executor.Reattach != nil {
		if result, found := executor.Reattach(ctx, s, a, sink); found {
			return result, true
		}
	}
	created := s.priorCreated(a)
	if len(created) == 0 {
		return notSeen("the process that ran it died before the start was recorded; it has no pod, and whether it had one is unknown"), true
	}
	return notSeen(ObjectNames(created) + " no longer exists, and its end was not observed"), true
}

// reattachHost has no process to attach to: a program on the machine ends with the process that ran it, or is lost.
func reattachHost(context.Context, *Steps, engine.Attempt, task.Sink) (task.Result, bool) {
	return notSeen("it ran on the machine of the process that died, and its end was not observed"), true
}

// reattachExec resumes a program in a running pod.
func reattachExec(ctx context.Context, s *Steps, a engine.Attempt, sink task.Sink) (task.Result, bool) {
	if places := s.priorCreated(a); len(places) > 0 {
		return s.execRunner(a, sink).Attach(ctx, *a.Task, places, sink), true
	}
	return notSeen("the process that ran it died before the start was recorded, and its pod is unknown"), true
}

// reattachAdvanced resumes the pod of an advanced task of Lagoon's.
func reattachAdvanced(ctx context.Context, s *Steps, a engine.Attempt, sink task.Sink) (task.Result, bool) {
	return s.advanced(a, sink).Attach(ctx, *a.Task, s.priorUID(a, "Pod"), sink)
}

// reattachPod resumes the pod, or the Job, of a task.
func reattachPod(ctx context.Context, s *Steps, a engine.Attempt, sink task.Sink) (task.Result, bool) {
	jobs := s.jobs(a, sink)
	if result, found := jobs.Pods.Attach(ctx, *a.Task, s.priorUID(a, "Pod"), sink); found {
		return result, true
	}
	return jobs.Attach(ctx, *a.Task, s.priorUID(a, "Job"), sink)
}

// notSeen is the result of an attempt that may have run.
func notSeen(why string) task.Result {
	return task.Result{State: task.Unknown, Reason: "NotSeen", Message: why}
}

// priorCreated returns what an earlier process has recorded for an attempt.
func (s *Steps) priorCreated(a engine.Attempt) []task.Object {
	if s.PriorCreated == nil {
		return nil
	}
	return s.PriorCreated(a.ID)
}

// priorUID returns the recorded UID of the attempt's object of a kind; empty when there is none.
func (s *Steps) priorUID(a engine.Attempt, kind string) string {
	for _, o := range s.priorCreated(a) {
		if o.Kind == kind {
			return o.UID
		}
	}
	return ""
}

// ObjectNames lists objects as "pod a, pod b"; it is "a pod" when there are none.
func ObjectNames(objects []task.Object) string {
	if len(objects) == 0 {
		return "a pod"
	}
	names := make([]string, len(objects))
	for i, o := range objects {
		names[i] = fmt.Sprintf("%s %s", strings.ToLower(o.Kind), o.Name)
	}
	return strings.Join(names, ", ")
}
