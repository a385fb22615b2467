package job

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

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
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is not a job task", t.Executor)}
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
		return task.Result{State: task.Unknown, Reason: "ConnectionLost", Message: fmt.Sprintf("Job %s cannot be read: %v", name, err)}, true
	case job.Labels[pod.RunLabel] != r.Pods.ID.Run || known != "" && known != string(job.UID):
		return task.Result{}, false
	}
	w := newWatch(r, job, t, sink)
	w.note(fmt.Sprintf("reattaching to Job %s (UID %s)", job.Name, job.UID))
	r.created(job)
	return w.removed(ctx, w.follow(ctx)), true
}
