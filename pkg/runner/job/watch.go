package job

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
	// all has a pod end with all of its containers.
	all  bool
	sink task.Sink

	mu sync.Mutex
	// feeds are the pods that are followed, each with how its states are handed on.
	feeds map[types.UID]*feed
	// ended are the pods whose following has ended, in that order.
	ended []endedPod
	// final tells, once the Job itself has ended, how.
	final func() task.Result
	// refused is when a pod that the cluster refuses is given up; nil when there is none.
	refused *time.Timer
	// told tells that the Job was said to be suspended.
	told  bool
	stop  context.CancelCauseFunc
	group sync.WaitGroup
}

type endedPod struct {
	pod.Ended
	pod *corev1.Pod
}

// verdict is the cause that ends following: how the task ended.
type verdict struct{ result task.Result }

func (v verdict) Error() string { return v.result.Message }

func newWatch(r Runner, job *batchv1.Job, t task.Task, sink task.Sink) *watch {
	return &watch{runner: r, job: job, task: t, main: mainOf(job), sink: sink, feeds: map[types.UID]*feed{}}
}

// mainOf returns the container whose end is that of a pod of the Job.
func mainOf(job *batchv1.Job) string {
	if main := job.Annotations[pod.MainAnnotation]; main != "" {
		return main
	}
	return job.Spec.Template.Spec.Containers[0].Name
}

func (w *watch) note(text string) {
	w.sink(task.Output{Stream: task.Note, Data: []byte(text + "\n")})
}

// follow returns when it is known how the Job ended, and no pod is followed any more.
func (w *watch) follow(ctx context.Context) task.Result {
	if uses := w.runner.Pods.Uses; uses != nil {
		uses(ctx, w.job.Namespace, &w.job.Spec.Template.Spec)
	}
	following, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	w.stop = stop
	// The pods are told of an end of ours by this context only; each then has its own end.
	errs := make(chan error, 2)
	go func() {
		errs <- w.runner.Cluster.FollowPodsOf(following, w.job, func(p *corev1.Pod, gone bool) bool {
			w.feed(following, p, gone)
			return true
		})
	}()
	go func() { errs <- w.runner.Cluster.FollowJob(following, w.job, w.see) }()
	// Who may not look at events is not told why there is no pod.
	w.group.Go(func() { _ = w.runner.Cluster.FollowRefusals(following, w.job, w.refuse) })
	var err error
	for range 2 {
		err = errors.Join(err, <-errs)
	}
	w.mu.Lock()
	if w.refused != nil {
		w.refused.Stop()
	}
	for _, f := range w.feeds {
		f.close()
	}
	w.mu.Unlock()
	w.group.Wait()

	result := task.Result{State: task.Unknown, Reason: "ConnectionLost", Message: fmt.Sprintf("Job %s can no longer be seen: %v", w.job.Name, err)}
	if v, ok := errors.AsType[verdict](context.Cause(following)); ok {
		result = v.result
	} else if ctx.Err() != nil {
		result = task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	}
	for _, e := range w.ended {
		result.Targets = append(result.Targets, e.Targets...)
	}
	return result
}

// see takes a state of the Job, nil when it is gone. Its conditions decide only when its pods have
// not: they come later.
func (w *watch) see(j *batchv1.Job) bool {
	if j == nil {
		w.stop(verdict{task.Result{State: task.Unknown, Reason: "JobGone", Message: fmt.Sprintf("Job %s was deleted by somebody else before its end was seen", w.job.Name)}})
		return false
	}
	if suspended := j.Spec.Suspend != nil && *j.Spec.Suspend; suspended && !w.told {
		w.told = true
		w.note("the Job is suspended: it waits until somebody, such as a queue, lets it start")
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

// news is how long after the Job's end those of its pods may come: they take another way.
const news = 3 * time.Second

// settle ends following when the pods' ends are known too.
func (w *watch) settle(final func() task.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.final = final
	if len(w.ended) == len(w.feeds) {
		w.stop(verdict{final()})
		return
	}
	time.AfterFunc(news, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.stop(verdict{final()})
	})
}

func (w *watch) completed() task.Result {
	result := task.Result{State: task.Succeeded}
	for _, e := range w.ended {
		if e.State == task.Succeeded {
			result.ExitCode, result.Files = e.ExitCode, e.Files
		}
	}
	return result
}

// failed words the failure of the Job, with that of the pod that failed last.
func (w *watch) failed(c batchv1.JobCondition) task.Result {
	result := task.Result{State: task.Failed, Reason: c.Reason, Message: strings.TrimSpace(c.Reason + ": " + c.Message)}
	for _, e := range w.ended {
		switch {
		case e.State == task.Failed:
			result.ExitCode = e.ExitCode
			result.Message = e.Message + " (" + c.Reason + ")"
		case e.Gone:
			result.State, result.Reason, result.Message = task.Unknown, "PodGone", e.Message
		}
	}
	return result
}

// refuse says why a pod cannot be made, and gives up when that does not change.
func (w *watch) refuse(message string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.feeds) > 0 || w.refused != nil {
		return true
	}
	w.note("no pod can be made: " + message)
	w.refused = time.AfterFunc(w.runner.Pods.Patience, func() {
		w.stop(verdict{task.Result{State: task.Failed, Reason: "NotCreated", Message: "no pod can be made: " + message}})
	})
	return true
}

// feed hands a state of a pod on to who follows it, and has a new one followed.
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
		if w.refused != nil {
			w.refused.Stop()
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
		Cluster: f, Pod: p, Main: w.main, All: w.all, Prefix: prefix, Patience: w.runner.Pods.Patience,
		Restarts: w.job.Spec.Template.Spec.RestartPolicy == corev1.RestartPolicyOnFailure,
	}
	if !w.several() {
		following.Files = w.task.Files()
	}
	ended := following.Wait(ctx, w.sink)
	w.mu.Lock()
	w.ended = append(w.ended, endedPod{ended, p})
	result, decided := w.decide()
	if !decided && w.final != nil && len(w.ended) == len(w.feeds) {
		result, decided = w.final(), true
	}
	w.mu.Unlock()
	switch {
	case decided:
		w.stop(verdict{result})
	case ended.State == task.Failed && ctx.Err() == nil:
		w.note(fmt.Sprintf("pod %s: %s; the Job may try again", p.Name, ended.Message))
		if ended.Running() {
			// The Job sees the failure only when the whole pod has ended.
			_ = w.runner.Cluster.DeletePod(ctx, p, ended.Grace(w.runner.Pods.Grace))
		}
	}
}

// several reports whether the Job runs more than one pod when none fails.
func (w *watch) several() bool {
	more := func(n *int32) bool { return n != nil && *n > 1 }
	return more(w.job.Spec.Completions) || more(w.job.Spec.Parallelism)
}

// decide sums up the pods that have ended; false as long as the Job may go on.
func (w *watch) decide() (task.Result, bool) {
	spec := w.job.Spec
	succeeded, failed := map[string]bool{}, 0
	for _, e := range w.ended {
		switch {
		case e.State == task.Succeeded:
			key := e.pod.Name
			if index := e.pod.Annotations[batchv1.JobCompletionIndexAnnotation]; index != "" {
				key = index
			}
			succeeded[key] = true
		case e.State == task.Failed && e.ExitCode == nil:
			// It could not start, and neither could another one.
			return e.Result, true
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
	// These let the Job go on, or end, where counting its pods says otherwise.
	counts := spec.PodFailurePolicy == nil && spec.BackoffLimitPerIndex == nil && spec.SuccessPolicy == nil
	switch {
	case !counts || spec.Completions == nil && spec.Parallelism != nil && *spec.Parallelism > 1:
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

// feed is a cluster in which one pod's states come from the Job's watch. It implements
// pod.Cluster.
type feed struct {
	Cluster

	mu      sync.Mutex
	pod     *corev1.Pod
	gone    bool
	changed chan struct{}
	closing sync.Once
	closed  chan struct{}
}

func (f *feed) put(p *corev1.Pod, gone bool) {
	f.mu.Lock()
	f.pod, f.gone = p, gone
	f.mu.Unlock()
	select {
	case f.changed <- struct{}{}:
	default: // who follows has not seen the state before this one yet
	}
}

func (f *feed) close() { f.closing.Do(func() { close(f.closed) }) }

// FollowPod hands on the states that put is given.
func (f *feed) FollowPod(ctx context.Context, _ *corev1.Pod, see func(*corev1.Pod) bool) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-f.closed:
			return errors.New("the Job is not followed any more")
		case <-f.changed:
			f.mu.Lock()
			p, gone := f.pod, f.gone
			f.mu.Unlock()
			if !see(p) {
				return nil
			}
			if gone {
				see(nil)
				return nil
			}
		}
	}
}
