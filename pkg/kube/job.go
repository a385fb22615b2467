package kube

import (
	"context"
	"errors"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/failpoint"
)

// CreateJob makes a Job and returns it as the server has it; see createOnce.
func (c *Client) CreateJob(ctx context.Context, job *batchv1.Job) (*batchv1.Job, error) {
	client, err := c.Interface()
	if err != nil {
		return nil, err
	}
	jobs := client.BatchV1().Jobs(job.Namespace)
	return createOnce(ctx, job, func() (*batchv1.Job, error) {
		return jobs.Create(ctx, job, metav1.CreateOptions{FieldManager: "kubectl-tasks"})
	}, func() (*batchv1.Job, error) {
		return jobs.Get(ctx, job.Name, metav1.GetOptions{})
	})
}

// GetJob returns a Job; that there is none is the server's error.
func (c *Client) GetJob(ctx context.Context, namespace, name string) (*batchv1.Job, error) {
	client, err := c.Interface()
	if err != nil {
		return nil, err
	}
	return client.BatchV1().Jobs(namespace).Get(ctx, name, metav1.GetOptions{})
}

// DeleteJob tells the cluster to delete exactly this Job with its pods, and returns at once; see
// FollowJob for its end. A Job that is gone already is no error.
func (c *Client) DeleteJob(ctx context.Context, job *batchv1.Job) error {
	client, err := c.Interface()
	if err != nil {
		return err
	}
	failpoint.Point("before a Job is deleted")
	defer failpoint.Point("after a Job is deleted")
	foreground := metav1.DeletePropagationForeground
	return deleteExactly(ctx, func() error {
		return client.BatchV1().Jobs(job.Namespace).Delete(ctx, job.Name, metav1.DeleteOptions{
			PropagationPolicy: &foreground, Preconditions: &metav1.Preconditions{UID: &job.UID},
		})
	})
}

// FollowJob hands each state of exactly this Job to see; otherwise it is FollowPod.
func (c *Client) FollowJob(ctx context.Context, job *batchv1.Job, see func(*batchv1.Job) bool) error {
	jobs, err := c.Resource(batchv1.SchemeGroupVersion.WithResource("jobs"), job.Namespace)
	if err != nil {
		return err
	}
	var broken error
	err = WatchObject(ctx, jobs, job.Name, func(o *unstructured.Unstructured) bool {
		if o == nil || o.GetUID() != job.UID {
			see(nil)
			return false
		}
		state := &batchv1.Job{}
		if broken = runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, state); broken != nil {
			return false
		}
		return see(state)
	})
	return errors.Join(err, broken)
}

// FollowPodsOf hands each state of each pod that the Job has made to see, as it comes, until see
// returns false; a pod that is gone with true. listed is called when those that are there at the beginning have
// been handed on. The Job is one that the server has returned: its selector is what its pods carry, whatever the
// labels of the server's version are called (Kubernetes renamed them in 1.27), and whoever chose it.
func (c *Client) FollowPodsOf(ctx context.Context, job *batchv1.Job, listed func(), see func(pod *corev1.Pod, gone bool) bool) error {
	pods, err := c.Resource(corev1.SchemeGroupVersion.WithResource("pods"), job.Namespace)
	if err != nil {
		return err
	}
	selector, err := metav1.LabelSelectorAsSelector(job.Spec.Selector)
	if err != nil {
		return err
	}
	var broken error
	err = watchListed(ctx, pods, metav1.ListOptions{LabelSelector: selector.String()}, listed, func(o *unstructured.Unstructured, gone bool) bool {
		if !metav1.IsControlledBy(o, job) {
			return true
		}
		state := &corev1.Pod{}
		if broken = runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, state); broken != nil {
			return false
		}
		return see(state, gone)
	})
	return errors.Join(err, broken)
}

// FollowRefusals hands what keeps the Job's pods from being made to see, as it comes: what the
// cluster refuses, such as a quota or an admission rule. Otherwise it is FollowPodsOf.
func (c *Client) FollowRefusals(ctx context.Context, job *batchv1.Job, see func(message string) bool) error {
	events, err := c.Resource(corev1.SchemeGroupVersion.WithResource("events"), job.Namespace)
	if err != nil {
		return err
	}
	options := metav1.ListOptions{FieldSelector: fields.Set{"involvedObject.uid": string(job.UID), "reason": "FailedCreate"}.String()}
	return WatchAll(ctx, events, options, func(o *unstructured.Unstructured, gone bool) bool {
		message, _, _ := unstructured.NestedString(o.Object, "message")
		return gone || see(message)
	})
}
