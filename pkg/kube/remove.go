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

// Remove deletes exactly this object, a pod or a Job that a task made, and returns when it is gone; false
// when it was gone already.
func (c *Client) Remove(ctx context.Context, o task.Object, grace time.Duration) (bool, error) {
	meta := metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name, UID: types.UID(o.UID)}
	switch o.Kind {
	case "Pod":
		live, err := c.GetPod(ctx, o.Namespace, o.Name)
		if apierrors.IsNotFound(err) || err == nil && live.UID != meta.UID {
			return false, nil
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

// Running reports whether exactly this pod or Job, which a task made, is there and has not ended. A pod that
// a task only ran in does not count, and what cannot be found out is no.
func (c *Client) Running(ctx context.Context, o task.Object) bool {
	if o.Container != "" {
		return false
	}
	switch o.Kind {
	case "Pod":
		live, err := c.GetPod(ctx, o.Namespace, o.Name)
		return err == nil && string(live.UID) == o.UID && live.Status.Phase != corev1.PodSucceeded && live.Status.Phase != corev1.PodFailed
	case "Job":
		live, err := c.GetJob(ctx, o.Namespace, o.Name)
		return err == nil && string(live.UID) == o.UID && live.Status.CompletionTime == nil && live.Status.Failed == 0
	}
	return false
}
