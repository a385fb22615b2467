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

// CreateJob creates a Job and returns it as the server has it; see createOnce.
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

// GetJob returns a Job. The error is the server's, also when the Job does not exist.
func (c *Client) GetJob(ctx context.Context, namespace, name string) (*batchv1.Job, error) {
	client, err := c.Interface()
	if err != nil {
		return nil, err
	}
	return client.BatchV1().Jobs(namespace).Get(ctx, name, metav1.GetOptions{})
}

// DeleteJob requests the deletion of exactly this Job and its pods, and returns at once; FollowJob shows its end. It is
// no error when the Job does not exist.
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

// FollowJob calls see with each state of exactly this Job; otherwise it is FollowPod.
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

// FollowPodsOf calls see with each state of each pod of the Job, until see returns false; deleted is true for a pod
// that was deleted. listed is called after the pods that existed at the beginning. The Job must be one that the server
// has returned: its pods are selected by its selector, because the labels of pods differ between servers (Kubernetes
// renamed them in 1.27), and a user may set the selector.
func (c *Client) FollowPodsOf(ctx context.Context, job *batchv1.Job, listed func(), see func(pod *corev1.Pod, deleted bool) bool) error {
	pods, err := c.Resource(corev1.SchemeGroupVersion.WithResource("pods"), job.Namespace)
	if err != nil {
		return err
	}
	selector, err := metav1.LabelSelectorAsSelector(job.Spec.Selector)
	if err != nil {
		return err
	}
	var broken error
	err = watchListed(ctx, pods, metav1.ListOptions{LabelSelector: selector.String()}, listed, func(o *unstructured.Unstructured, deleted bool) bool {
		if !metav1.IsControlledBy(o, job) {
			return true
		}
		state := &corev1.Pod{}
		if broken = runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, state); broken != nil {
			return false
		}
		return see(state, deleted)
	})
	return errors.Join(err, broken)
}

// FollowRefusals calls see with each message about a pod of the Job that the cluster refused to create, for example
// because of a quota or an admission webhook, until see returns false. The errors are those of FollowPod.
func (c *Client) FollowRefusals(ctx context.Context, job *batchv1.Job, see func(message string) bool) error {
	events, err := c.Resource(corev1.SchemeGroupVersion.WithResource("events"), job.Namespace)
	if err != nil {
		return err
	}
	options := metav1.ListOptions{FieldSelector: fields.Set{"involvedObject.uid": string(job.UID), "reason": "FailedCreate"}.String()}
	return WatchAll(ctx, events, options, func(o *unstructured.Unstructured, deleted bool) bool {
		message, _, _ := unstructured.NestedString(o.Object, "message")
		return deleted || see(message)
	})
}
