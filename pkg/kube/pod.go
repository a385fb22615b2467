package kube

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/failpoint"
)

// CreatePod creates a pod and returns it as the server has it; see createOnce.
func (c *Client) CreatePod(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	client, err := c.Interface()
	if err != nil {
		return nil, err
	}
	pods := client.CoreV1().Pods(pod.Namespace)
	return createOnce(ctx, pod, func() (*corev1.Pod, error) {
		return pods.Create(ctx, pod, metav1.CreateOptions{FieldManager: "kubectl-tasks"})
	}, func() (*corev1.Pod, error) {
		return pods.Get(ctx, pod.Name, metav1.GetOptions{})
	})
}

// GetPod returns a pod. The error is the server's, also when the pod does not exist.
func (c *Client) GetPod(ctx context.Context, namespace, name string) (*corev1.Pod, error) {
	client, err := c.Interface()
	if err != nil {
		return nil, err
	}
	return client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
}

// DeletePod requests the deletion of exactly this pod, and returns at once; FollowPod shows its end. It is no error
// when the pod does not exist.
func (c *Client) DeletePod(ctx context.Context, pod *corev1.Pod, grace time.Duration) error {
	client, err := c.Interface()
	if err != nil {
		return err
	}
	failpoint.Point("before a pod is deleted")
	defer failpoint.Point("after a pod is deleted")
	seconds := int64(grace.Seconds())
	return deleteExactly(ctx, func() error {
		return client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
			GracePeriodSeconds: &seconds, Preconditions: &metav1.Preconditions{UID: &pod.UID},
		})
	})
}

// PodDeleted reports whether exactly this pod is deleted or being deleted; false also when the server cannot be asked.
func (c *Client) PodDeleted(ctx context.Context, pod *corev1.Pod) bool {
	client, err := c.Interface()
	if err != nil {
		return false
	}
	live, err := client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
	return apierrors.IsNotFound(err) || err == nil && (live.UID != pod.UID || live.DeletionTimestamp != nil)
}

// FollowPod calls see with each state of exactly this pod, until see returns false or the pod is deleted; see gets nil
// for that. Otherwise the error is ctx's cause, or the server's when it refuses the request.
func (c *Client) FollowPod(ctx context.Context, pod *corev1.Pod, see func(*corev1.Pod) bool) error {
	client, err := c.Dynamic()
	if err != nil {
		return err
	}
	pods := client.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(pod.Namespace)
	var broken error
	err = WatchObject(ctx, pods, pod.Name, func(o *unstructured.Unstructured) bool {
		if o == nil || o.GetUID() != pod.UID {
			see(nil)
			return false
		}
		state := &corev1.Pod{}
		if broken = runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, state); broken != nil {
			return false
		}
		return see(state)
	})
	return errors.Join(err, broken)
}

// FollowWarnings calls see with each warning event about exactly this pod, as a reason such as "FailedMount" and a
// message, until ctx ends. The errors are those of FollowPod.
func (c *Client) FollowWarnings(ctx context.Context, pod *corev1.Pod, see func(reason, message string)) error {
	events, err := c.Resource(corev1.SchemeGroupVersion.WithResource("events"), pod.Namespace)
	if err != nil {
		return err
	}
	options := metav1.ListOptions{FieldSelector: fields.Set{"involvedObject.uid": string(pod.UID), "type": corev1.EventTypeWarning}.String()}
	return WatchAll(ctx, events, options, func(o *unstructured.Unstructured, deleted bool) bool {
		reason, _, _ := unstructured.NestedString(o.Object, "reason")
		message, _, _ := unstructured.NestedString(o.Object, "message")
		if !deleted {
			see(reason, message)
		}
		return true
	})
}
