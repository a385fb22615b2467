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

func (v verdict) Error() string { return "it is known how the Job ended" }

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
			w.note(fmt.Sprintf("the pods of Job %s cannot be seen, nor what they print: %v", w.job.Name, err))
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

	result := task.Result{State: task.Unknown, Reason: "ConnectionLost", Message: fmt.Sprintf("Job %s can no longer be seen: %v", w.job.Name, err)}
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

// observe takes a state of the Job, nil when it no longer exists. Its conditions decide only if its pods have not: they
// are set later. It returns false at the end of the Job.
func (w *watch) observe(j *batchv1.Job) bool {
	if j == nil {
		w.stop(verdictOf(task.Result{State: task.Unknown, Reason: "JobGone", Message: fmt.Sprintf("Job %s was deleted by another client before its end was seen", w.job.Name)}))
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

// observeRefusal shows why the cluster refuses a pod, and fails the Job when that persists.
func (w *watch) observeRefusal(message string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.feeds) > 0 || w.refusalTimer != nil {
		return true
	}
	w.note("no pod can be made: " + message)
	w.refusalTimer = time.AfterFunc(w.runner.Pods.StuckTimeout, func() {
		w.stop(verdictOf(task.Result{State: task.Failed, Reason: "PodNotCreated", Message: "no pod can be made: " + message}))
	})
	return true
}

// feed passes a state of a pod on to its follower, and starts following a new pod.
func (w *watch) feed(ctx context.Context, p *corev1.Pod, gone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.feeds[p.UID]
	if f == nil {
		if gone || ctx.Err() != nil {
			return
		}
		f = &feed{Cluster: w.runner.Cluster, changed: make(chan struct{}, 1), closed: make(chan struct{})}
		w.feeds[p.UID] = f
		if w.refusalTimer != nil {
			w.refusalTimer.Stop()
		}
		w.group.Go(func() { w.followPod(ctx, p, f) })
	}
	f.put(p, gone)
}

func (w *watch) followPod(ctx context.Context, p *corev1.Pod, f *feed) {
	prefix := ""
	if w.several() {
		prefix = p.Name
	}
	following := pod.Following{
		Cluster: f, Pod: p, Main: w.main, All: w.all, Prefix: prefix, StuckTimeout: w.runner.Pods.StuckTimeout,
		Restarts: w.job.Spec.Template.Spec.RestartPolicy == corev1.RestartPolicyOnFailure,
	}
	if !w.several() {
		following.Files = w.task.Files()
	}
	ended := following.Wait(ctx, w.sink)
	w.mu.Lock()
	w.ended = append(w.ended, endedPod{ended, p})
	result, decided := w.decide()
	if decided {
		w.stop(verdictOf(result))
	} else {
		w.conclude()
	}
	continues := !decided && w.final == nil && ctx.Err() == nil
	w.mu.Unlock()
	if continues && ended.State == task.Failed && !ended.Deleting {
		w.note(fmt.Sprintf("pod %s: %s; the Job may try again", p.Name, ended.Message))
		if ended.Running() {
			// The Job sees the failure only when the whole pod has ended.
			_ = w.runner.Cluster.DeletePod(ctx, p, ended.Grace(w.runner.Pods.Grace))
		}
	}
}
