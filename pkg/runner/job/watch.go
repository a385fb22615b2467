package job

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// watch follows a Job and its pods.
type watch struct {
	runner Runner
	job    *batchv1.Job
	task   task.Task
	main   string
	// all reports that a pod ends when all of its containers have exited.
	all  bool
	sink task.Sink

	mu sync.Mutex
	// feeds are the pods that are followed.
	feeds map[types.UID]*feed
	// listed reports that they include the pods that existed at the beginning.
	listed bool
	// ended are the pods that are no longer followed, in that order.
	ended []endedPod
	// final returns the result of a Job that has ended; nil before that.
	final func() task.Result
	// podTimer ends the wait for the pods of a Job that has ended; nil before that.
	podTimer *time.Timer
	// refusalTimer fails a Job whose pods the cluster refuses; nil when it refuses none.
	refusalTimer *time.Timer
	// suspendNoted reports that a note about the suspended Job was shown.
	suspendNoted bool
	stop         context.CancelCauseFunc
	group        sync.WaitGroup
}

type endedPod struct {
	pod.Ended
	pod *corev1.Pod
}

// verdict is the cause that ends following, with the result of the task, which is computed when no pod is followed any
// more.
type verdict struct{ result func() task.Result }

func (v verdict) Error() string { return "the result of the Job is known" }

// verdictOf returns the verdict with a result that is already known.
func verdictOf(r task.Result) verdict { return verdict{func() task.Result { return r }} }

func newWatch(r Runner, job *batchv1.Job, t task.Task, sink task.Sink) *watch {
	return &watch{runner: r, job: job, task: t, main: mainOf(job), sink: sink, feeds: map[types.UID]*feed{}}
}

// mainOf returns the container whose exit ends a pod of the Job.
func mainOf(job *batchv1.Job) string {
	if main := job.Annotations[pod.MainAnnotation]; main != "" {
		return main
	}
	return job.Spec.Template.Spec.Containers[0].Name
}

func (w *watch) note(text string) {
	w.sink(task.Output{Stream: task.Note, Data: []byte(text + "\n")})
}

// follow returns the result of the Job, when no pod is followed any more.
func (w *watch) follow(ctx context.Context) task.Result {
	if uses := w.runner.Pods.MaskSecrets; uses != nil {
		uses(ctx, w.job.Namespace, &w.job.Spec.Template.Spec)
	}
	following, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	w.stop = stop
	// The pods are stopped by this context only, so that each has a result of its own.
	errs := make(chan error, 2)
	go func() {
		err := w.runner.Cluster.FollowPodsOf(following, w.job, w.podsListed, func(p *corev1.Pod, gone bool) bool {
			w.feed(following, p, gone)
			return true
		})
		if following.Err() == nil {
			// The conditions of the Job decide its result.
			w.note(fmt.Sprintf("the pods of Job %s and their output cannot be read: %v", w.job.Name, err))
			w.podsListed()
		}
		errs <- err
	}()
	go func() { errs <- w.runner.Cluster.FollowJob(following, w.job, w.observe) }()
	// Without the right to read events, the reason for a missing pod is not shown.
	w.group.Go(func() { _ = w.runner.Cluster.FollowRefusals(following, w.job, w.observeRefusal) })
	var err error
	for range 2 {
		err = errors.Join(err, <-errs)
	}
	w.mu.Lock()
	for _, timer := range []*time.Timer{w.refusalTimer, w.podTimer} {
		if timer != nil {
			timer.Stop()
		}
	}
	for _, f := range w.feeds {
		f.close()
	}
	w.mu.Unlock()
	w.group.Wait()

	result := task.Result{State: task.Unknown, Reason: "ConnectionLost", Message: fmt.Sprintf("Job %s can no longer be read: %v", w.job.Name, err)}
	if v, ok := errors.AsType[verdict](context.Cause(following)); ok {
		result = v.result()
	} else if ctx.Err() != nil {
		result = task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	}
	for _, e := range w.ended {
		for _, t := range e.Targets {
			if result.State == task.Failed {
				t = e.givenUp(t)
			}
			result.Targets = append(result.Targets, t)
		}
	}
	return result
}
