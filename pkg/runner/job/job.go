// Package job runs job tasks: a Kubernetes Job, followed by its pods.
package job

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Cluster is the part of a cluster that the runner needs; *kube.Client is one.
type Cluster interface {
	pod.Cluster
	CreateJob(ctx context.Context, job *batchv1.Job) (*batchv1.Job, error)
	GetJob(ctx context.Context, namespace, name string) (*batchv1.Job, error)
	DeleteJob(ctx context.Context, job *batchv1.Job) error
	FollowJob(ctx context.Context, job *batchv1.Job, see func(*batchv1.Job) bool) error
	FollowRefusals(ctx context.Context, job *batchv1.Job, see func(message string) bool) error
	FollowPodsOf(ctx context.Context, job *batchv1.Job, listed func(), see func(pod *corev1.Pod, gone bool) bool) error
}

// Runner runs job tasks.
type Runner struct {
	Cluster Cluster
	// Pods is how the Job's pods are built and followed.
	Pods pod.Runner
	// AfterCreate is called after the Job is created, and its error fails the task; may be nil.
	AfterCreate func(ctx context.Context, job *batchv1.Job) error
}

const (
	// apiTimeout limits the creation of a Job.
	apiTimeout = 30 * time.Second
	// ttl is the time after which the cluster deletes a Job that has ended.
	ttl = time.Hour
)

// Run creates the Job, passes on the output of its pods, and returns when as many of them have succeeded as the Job
// needs, or more have failed than it allows; the CleanUp of the result deletes the Job and its pods. A pod ends when its
// main container exits; its other containers are then stopped.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	j, ok := t.Executor.(task.Job)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is no job task", t.Executor)}
	}
	if ctx.Err() != nil {
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	}
	// A request that is cancelled on its way may still create the Job.
	creating, cancel := context.WithTimeout(context.WithoutCancel(ctx), apiTimeout)
	defer cancel()
	job, err := r.Cluster.CreateJob(creating, r.build(creating, t, j))
	if err != nil {
		return pod.NotCreated("Job", err)
	}
	r.created(job)
	w := newWatch(r, job, t, sink)
	if r.AfterCreate != nil {
		if err := r.AfterCreate(creating, job); err != nil {
			return w.removed(ctx, task.Result{State: task.Failed, Reason: "NotCreated", Message: err.Error()})
		}
	}
	return w.removed(ctx, w.follow(ctx))
}

// Follow follows a Job of another client, such as Helm's, to its end. The Job is not deleted, unless ctx is cancelled
// before its end. A pod with several containers ends when all of them have exited.
func (r Runner) Follow(ctx context.Context, job *batchv1.Job, t task.Task, sink task.Sink) task.Result {
	w := newWatch(r, job, t, sink)
	w.all = len(job.Spec.Template.Spec.Containers) > 1
	result := w.follow(ctx)
	if result.State == task.Cancelled {
		return w.removed(ctx, result)
	}
	return result
}

func (r Runner) created(job *batchv1.Job) {
	if r.Pods.Created != nil {
		r.Pods.Created(task.Object{Kind: "Job", Namespace: job.Namespace, Name: job.Name, UID: string(job.UID)})
	}
}

// Attach follows the Job that an earlier process created for the attempt; false when there is none. known is the Job's
// UID in the record, or empty.
func (r Runner) Attach(ctx context.Context, t task.Task, known string, sink task.Sink) (task.Result, bool) {
	name := r.Pods.ID.Name(t)
	job, err := r.Cluster.GetJob(ctx, r.Pods.Namespace, name)
	switch {
	case apierrors.IsNotFound(err):
		return task.Result{}, false
	case err != nil:
		return task.Result{State: task.Unknown, Reason: "ConnectionLost", Message: fmt.Sprintf("Job %s cannot be seen: %v", name, err)}, true
	case job.Labels[pod.RunLabel] != r.Pods.ID.Run || known != "" && known != string(job.UID):
		return task.Result{}, false
	}
	w := newWatch(r, job, t, sink)
	w.note(fmt.Sprintf("going on with Job %s (UID %s)", job.Name, job.UID))
	r.created(job)
	return w.removed(ctx, w.follow(ctx)), true
}

// removed returns the task's result. Its CleanUp deletes a Job whose end was observed; removed itself deletes any other.
func (w *watch) removed(ctx context.Context, result task.Result) task.Result {
	failed := func(err error) error {
		return fmt.Errorf("the Job %s in namespace %q could not be deleted: %w; delete it with: kubectl delete job %s -n %s", w.job.Name, w.job.Namespace, err, w.job.Name, w.job.Namespace)
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

// build returns the Job of a task. Unless its author says otherwise, the Job has no retries and the time limit of the
// task.
func (r Runner) build(ctx context.Context, t task.Task, j task.Job) *batchv1.Job {
	spec := j.Spec.DeepCopy()
	template := r.Pods.Build(ctx, t, j.Pod())
	restart := spec.Template.Spec.RestartPolicy
	if spec.ActiveDeadlineSeconds == nil {
		spec.ActiveDeadlineSeconds = template.Spec.ActiveDeadlineSeconds
	}
	template.Spec.ActiveDeadlineSeconds = j.Spec.Template.Spec.ActiveDeadlineSeconds
	if restart != "" {
		template.Spec.RestartPolicy = restart
	}
	spec.Template.Spec = template.Spec
	spec.Template.Labels = merged(spec.Template.Labels, template.Labels)
	spec.Template.Annotations = merged(spec.Template.Annotations, template.Annotations)
	if spec.BackoffLimit == nil {
		spec.BackoffLimit = new(int32)
	}
	if spec.PodReplacementPolicy == nil {
		// A pod that is being deleted may still run; its replacement waits for its end.
		failed := batchv1.Failed
		spec.PodReplacementPolicy = &failed
	}
	if spec.TTLSecondsAfterFinished == nil {
		seconds := int32(ttl.Seconds())
		spec.TTLSecondsAfterFinished = &seconds
	}
	meta := template.ObjectMeta
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: meta.Name, Namespace: meta.Namespace, Labels: meta.Labels, Annotations: merged(meta.Annotations, j.JobAnnotations)},
		Spec:       *spec,
	}
}

func merged(own, ours map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range []map[string]string{own, ours} {
		maps.Copy(all, m)
	}
	return all
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
