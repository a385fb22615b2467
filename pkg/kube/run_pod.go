package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
)

// enforceLabel is how a namespace says which pods it takes (Pod Security Standards).
const enforceLabel = "pod-security.kubernetes.io/enforce"

// Restricted reports whether the namespace takes only pods of the standard "restricted". A user
// who may not look at namespaces is told no.
func (c *Client) Restricted(ctx context.Context, namespace string) bool {
	client, err := c.Interface()
	if err != nil {
		return false
	}
	ns, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
	return err == nil && ns.Labels[enforceLabel] == "restricted"
}

// CreatePod makes a pod and returns it as the server has it.
func (c *Client) CreatePod(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	client, err := c.Interface()
	if err != nil {
		return nil, err
	}
	return client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{FieldManager: "kubectl-tasks"})
}

// DeletePod deletes exactly this pod, and returns when it is gone. One that is gone already is no
// error.
func (c *Client) DeletePod(ctx context.Context, pod *corev1.Pod, grace time.Duration) error {
	client, err := c.Interface()
	if err != nil {
		return err
	}
	seconds := int64(grace.Seconds())
	err = client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &seconds, Preconditions: &metav1.Preconditions{UID: &pod.UID},
	})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err): // another pod of that name has come
		return nil
	case err != nil:
		return err
	}
	return c.FollowPod(ctx, pod, func(*corev1.Pod) bool { return true })
}

// FollowPod hands each state of exactly this pod to see, as it comes, until see returns false. It
// returns nil then, and also when the pod is gone, of which see is told with nil; otherwise ctx's
// cause, or the server's error when it refuses to be asked.
func (c *Client) FollowPod(ctx context.Context, pod *corev1.Pod, see func(*corev1.Pod) bool) error {
	client, err := c.Interface()
	if err != nil {
		return err
	}
	pods := client.CoreV1().Pods(pod.Namespace)
	only := fields.OneTermEqualSelector(metav1.ObjectNameField, pod.Name).String()
	retry := wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 8, Cap: 10 * time.Second}
	for {
		list, err := pods.List(ctx, metav1.ListOptions{FieldSelector: only})
		if err == nil {
			if len(list.Items) == 0 || list.Items[0].UID != pod.UID {
				see(nil)
				return nil
			}
			if !see(&list.Items[0]) {
				return nil
			}
			var events watch.Interface
			events, err = pods.Watch(ctx, metav1.ListOptions{FieldSelector: only, ResourceVersion: list.ResourceVersion})
			if err == nil {
				done := followEvents(ctx, events, pod.UID, see)
				events.Stop()
				if done {
					return nil
				}
			}
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && !temporary(err):
			return err
		}
		if err := pause(ctx, &retry); err != nil {
			return err
		}
	}
}

// followEvents hands the pod's states to see; true when it is done with them.
func followEvents(ctx context.Context, events watch.Interface, uid types.UID, see func(*corev1.Pod) bool) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case event, open := <-events.ResultChan():
			if !open || event.Type == watch.Error {
				return false
			}
			pod, ok := event.Object.(*corev1.Pod)
			if !ok || pod.UID != uid {
				continue
			}
			if !see(pod) {
				return true
			}
			if event.Type == watch.Deleted {
				see(nil)
				return true
			}
		}
	}
}

// CopyLogs writes what a container of the pod prints to w, from its beginning and as it comes,
// until the container ends. since is zero, or from when on after a connection was lost.
func (c *Client) CopyLogs(ctx context.Context, pod *corev1.Pod, container string, since time.Time, w io.Writer) error {
	client, err := c.Interface()
	if err != nil {
		return err
	}
	options := &corev1.PodLogOptions{Container: container, Follow: true}
	if !since.IsZero() {
		options.SinceTime = &metav1.Time{Time: since}
	}
	stream, err := client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).Stream(ctx)
	if err != nil {
		return err
	}
	defer stream.Close()
	_, err = io.Copy(w, stream)
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("the log of container %s: %w", container, err)
	}
	return err
}
