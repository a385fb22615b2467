package kube

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The labels of what tasks make; package pod sets them.
const (
	managedByLabel = "app.kubernetes.io/managed-by"
	runLabel       = "kubectl-tasks.io/run"
)

// madeFor returns an error unless the object was made for a task of that run.
func madeFor(o metav1.Object, run string) error {
	if labels := o.GetLabels(); labels[managedByLabel] != "kubectl-tasks" || labels[runLabel] != run {
		return fmt.Errorf("its labels do not say that run %s made it: it is left as it is", run)
	}
	return nil
}

// Remove deletes exactly this object, a pod or a Job that a task of that run made, and returns when it is gone;
// false when it was gone already. An object without the labels of the run is an error, and stays.
func (c *Client) Remove(ctx context.Context, run string, o task.Object, grace time.Duration) (bool, error) {
	meta := metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name, UID: types.UID(o.UID)}
	switch o.Kind {
	case "Pod":
		live, err := c.GetPod(ctx, o.Namespace, o.Name)
		if apierrors.IsNotFound(err) || err == nil && live.UID != meta.UID {
			return false, nil
		}
		if err == nil {
			err = madeFor(live, run)
		}
		if err != nil {
			return false, err
		}
		pod := &corev1.Pod{ObjectMeta: meta}
		if err := c.DeletePod(ctx, pod, grace); err != nil {
			return false, err
		}
		return true, c.FollowPod(ctx, pod, func(*corev1.Pod) bool { return true })
	case "Job":
		live, err := c.GetJob(ctx, o.Namespace, o.Name)
		if apierrors.IsNotFound(err) || err == nil && live.UID != meta.UID {
			return false, nil
		}
		if err == nil {
			err = madeFor(live, run)
		}
		if err != nil {
			return false, err
		}
		job := &batchv1.Job{ObjectMeta: meta}
		if err := c.DeleteJob(ctx, job); err != nil {
			return false, err
		}
		return true, c.FollowJob(ctx, job, func(j *batchv1.Job) bool { return j != nil })
	}
	return false, fmt.Errorf("%s is neither a pod nor a Job", o.Kind)
}

// Running reports whether exactly this pod or Job, which a task of that run made, is there and has not ended. A pod
// that a task only ran in does not count, and what cannot be found out is no.
func (c *Client) Running(ctx context.Context, run string, o task.Object) bool {
	if o.Container != "" {
		return false
	}
	switch o.Kind {
	case "Pod":
		live, err := c.GetPod(ctx, o.Namespace, o.Name)
		return err == nil && string(live.UID) == o.UID && madeFor(live, run) == nil && live.Status.Phase != corev1.PodSucceeded && live.Status.Phase != corev1.PodFailed
	case "Job":
		live, err := c.GetJob(ctx, o.Namespace, o.Name)
		return err == nil && string(live.UID) == o.UID && madeFor(live, run) == nil && live.Status.CompletionTime == nil && live.Status.Failed == 0
	}
	return false
}
