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
	// listed reports that the pods which were there at the beginning are among them.
	listed bool
	// ended are the pods whose following has ended, in that order.
	ended []endedPod
	// final tells, once the Job itself has ended, how.
	final func() task.Result
	// late is when no more news of the pods of a Job that has ended is waited for; nil before that.
	late *time.Timer
	// refused is when a pod that the cluster refuses is given up; nil when there is none.
	refused *time.Timer
	// told reports that the Job was said to be suspended.
	told  bool
	stop  context.CancelCauseFunc
	group sync.WaitGroup
}

type endedPod struct {
	pod.Ended
	pod *corev1.Pod
}

// verdict is the cause that ends following. It tells how the task ended, when no pod is followed any more.
type verdict struct{ result func() task.Result }

func (v verdict) Error() string { return "it is known how the Job ended" }

// is returns the verdict that a result is how the task ended.
func is(r task.Result) verdict { return verdict{func() task.Result { return r }} }

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
		err := w.runner.Cluster.FollowPodsOf(following, w.job, w.seePods, func(p *corev1.Pod, gone bool) bool {
			w.feed(following, p, gone)
			return true
		})
		if following.Err() == nil {
			// The Job itself tells how it ended.
			w.note(fmt.Sprintf("the pods of Job %s cannot be seen, nor what they print: %v", w.job.Name, err))
			w.seePods()
		}
		errs <- err
	}()
	go func() { errs <- w.runner.Cluster.FollowJob(following, w.job, w.see) }()
	// Who may not look at events is not told why there is no pod.
	w.group.Go(func() { _ = w.runner.Cluster.FollowRefusals(following, w.job, w.refuse) })
	var err error
	for range 2 {
		err = errors.Join(err, <-errs)
	}
	w.mu.Lock()
	for _, timer := range []*time.Timer{w.refused, w.late} {
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

// givenUp is how a pod ended whose Job has failed: one that was not seen to its end for that reason failed as its
// containers did before, or was stopped.
func (e endedPod) givenUp(t task.Target) task.Target {
	switch {
	case e.State != task.Cancelled && !e.Gone:
	case e.Again != nil:
		t.State, t.ExitCode, t.Message = task.Failed, e.Again.ExitCode, e.Again.Message
	default:
		t.State, t.Message = task.Cancelled, "stopped when the Job had failed"
	}
	return t
}

// see takes a state of the Job, nil when it is gone. Its conditions decide only when its pods have
// not: they come later.
func (w *watch) see(j *batchv1.Job) bool {
	if j == nil {
		w.stop(is(task.Result{State: task.Unknown, Reason: "JobGone", Message: fmt.Sprintf("Job %s was deleted by another client before its end was seen", w.job.Name)}))
		return false
	}
	if suspended := j.Spec.Suspend != nil && *j.Spec.Suspend; suspended && !w.told {
		w.told = true
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

// news is how long after the Job's end those of its pods may come: they take another way.
const news = 3 * time.Second

// settle ends following when the pods' ends are known too.
func (w *watch) settle(final func() task.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.final = final
	w.conclude()
}

// seePods takes note that all pods which were there are known.
func (w *watch) seePods() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listed = true
	w.conclude()
}

// conclude ends following when the Job has ended and all of its pods have, or nothing comes of them.
func (w *watch) conclude() {
	switch {
	case w.final == nil || !w.listed:
	case len(w.ended) == len(w.feeds):
		w.stop(verdict{w.final})
	case w.late == nil:
		w.late = time.AfterFunc(news, func() { w.stop(verdict{w.final}) })
	}
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

// failed words the failure of the Job, with that of the pod that failed last. A pod that the Job's controller
// deletes when it gives up tells nothing but how its containers failed before; one that somebody else deleted may
// have done anything, so the end is unknown where the failures that were seen are not enough for the Job's.
func (w *watch) failed(c batchv1.JobCondition) task.Result {
	var own, again, deleted, gone *task.Result
	failures, restarts := 0, 0
	for i := range w.ended {
		e := &w.ended[i]
		restarts += e.Restarts
		if e.Again != nil {
			again = e.Again
		}
		switch {
		case e.Gone:
			gone = &e.Result
		case e.State == task.Failed && e.Deleted:
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
	if gone != nil && !w.enough(failures, restarts) {
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
func (w *watch) enough(failures, restarts int) bool {
	limit := w.job.Spec.BackoffLimit
	if limit == nil || !w.counts() {
		return failures+restarts > 0
	}
	return failures > int(*limit) || restarts >= max(1, int(*limit))
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
		w.stop(is(task.Result{State: task.Failed, Reason: "PodNotCreated", Message: "no pod can be made: " + message}))
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
	if decided {
		w.stop(is(result))
	} else {
		w.conclude()
	}
	goesOn := !decided && w.final == nil && ctx.Err() == nil
	w.mu.Unlock()
	if goesOn && ended.State == task.Failed && !ended.Deleted {
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
		case e.Deleted:
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
	case !w.counts() || spec.Completions == nil && spec.Parallelism != nil && *spec.Parallelism > 1:
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
func (w *watch) counts() bool {
	spec := w.job.Spec
	return spec.PodFailurePolicy == nil && spec.BackoffLimitPerIndex == nil && spec.SuccessPolicy == nil
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
