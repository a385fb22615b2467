package kube

import (
	"context"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The labels of the objects that tasks create; package pod sets them.
const (
	managedByLabel = "app.kubernetes.io/managed-by"
	runLabel       = "kubectl-tasks.io/run"
)

// checkCreator returns an error unless the object was created for a task of that run.
func checkCreator(o metav1.Object, run string) error {
	if labels := o.GetLabels(); labels[managedByLabel] != "kubectl-tasks" || labels[runLabel] != run {
		return fmt.Errorf("its labels do not show that run %s created it; it is not changed", run)
	}
	return nil
}

// Remove deletes exactly this object, a pod or a Job that a task of that run has created, and returns when it no longer
// exists; false when it did not exist before. An object without the labels of the run is an error, and stays.
func (c *Client) Remove(ctx context.Context, run string, o task.Object, grace time.Duration) (bool, error) {
	meta := metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name, UID: types.UID(o.UID)}
	switch o.Kind {
	case "Pod":
		live, err := c.GetPod(ctx, o.Namespace, o.Name)
		if apierrors.IsNotFound(err) || err == nil && live.UID != meta.UID {
			return false, nil
		}
		if err == nil {
			err = checkCreator(live, run)
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
			err = checkCreator(live, run)
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

// Running reports whether exactly this pod or Job, which a task of that run has created, exists and has not ended. It
// is false for a pod in which a task only ran a program, and when the server cannot be asked.
func (c *Client) Running(ctx context.Context, run string, o task.Object) bool {
	if o.Container != "" {
		return false
	}
	switch o.Kind {
	case "Pod":
		live, err := c.GetPod(ctx, o.Namespace, o.Name)
		return err == nil && string(live.UID) == o.UID && checkCreator(live, run) == nil && !podEnded(live)
	case "Job":
		live, err := c.GetJob(ctx, o.Namespace, o.Name)
		return err == nil && string(live.UID) == o.UID && checkCreator(live, run) == nil && !jobEnded(live)
	}
	return false
}

// podEnded reports whether a pod has ended.
func podEnded(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

// jobEnded reports whether a Job has ended: a condition says so (batch/v1, JobConditionType).
func jobEnded(j *batchv1.Job) bool {
	return slices.ContainsFunc(j.Status.Conditions, func(c batchv1.JobCondition) bool {
		return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
	})
}

// RunningOf returns the pods and Jobs of a run that have not ended. The error is the server's.
func (c *Client) RunningOf(ctx context.Context, namespace, run string) ([]task.Object, error) {
	client, err := c.Interface()
	if err != nil {
		return nil, err
	}
	options := metav1.ListOptions{LabelSelector: labels.SelectorFromSet(labels.Set{managedByLabel: "kubectl-tasks", runLabel: run}).String()}
	var found []task.Object
	pods, err := client.CoreV1().Pods(namespace).List(ctx, options)
	if err != nil {
		return nil, err
	}
	for i := range pods.Items {
		if p := &pods.Items[i]; !podEnded(p) {
			found = append(found, task.Object{Kind: "Pod", Namespace: p.Namespace, Name: p.Name, UID: string(p.UID)})
		}
	}
	jobs, err := client.BatchV1().Jobs(namespace).List(ctx, options)
	if err != nil && !apierrors.IsForbidden(err) { // without the right to list Jobs, the pods of Jobs are found
		return nil, err
	}
	if err == nil {
		for i := range jobs.Items {
			if j := &jobs.Items[i]; !jobEnded(j) {
				found = append(found, task.Object{Kind: "Job", Namespace: j.Namespace, Name: j.Name, UID: string(j.UID)})
			}
		}
	}
	return found, nil
}
