package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/failpoint"
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

// CreatePod makes a pod and returns it as the server has it; see createOnce.
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

// GetPod returns a pod; that there is none is the server's error.
func (c *Client) GetPod(ctx context.Context, namespace, name string) (*corev1.Pod, error) {
	client, err := c.Interface()
	if err != nil {
		return nil, err
	}
	return client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
}

// DeletePod tells the cluster to delete exactly this pod, and returns at once; see FollowPod for its
// end. One that is gone already is no error.
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

// PodGone reports whether exactly this pod is gone or being deleted. What cannot be found out is no.
func (c *Client) PodGone(ctx context.Context, pod *corev1.Pod) bool {
	client, err := c.Interface()
	if err != nil {
		return false
	}
	live, err := client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
	return apierrors.IsNotFound(err) || err == nil && (live.UID != pod.UID || live.DeletionTimestamp != nil)
}

// FollowPod hands each state of exactly this pod to see, as it comes, until see returns false. It
// returns nil then, and also when the pod is gone, of which see is told with nil; otherwise ctx's
// cause, or the server's error when it refuses to be asked.
func (c *Client) FollowPod(ctx context.Context, pod *corev1.Pod, see func(*corev1.Pod) bool) error {
	client, err := c.Dynamic()
	if err != nil {
		return err
	}
	pods := client.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(pod.Namespace)
	var broken error
	err = followObject(ctx, pods, pod.Name, func(o *unstructured.Unstructured) bool {
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

// FollowWarnings hands what the cluster warns of about exactly this pod to see, as it comes, until ctx
// ends: a reason such as "FailedMount", and a message.
func (c *Client) FollowWarnings(ctx context.Context, pod *corev1.Pod, see func(reason, message string)) error {
	events, err := c.in(corev1.SchemeGroupVersion.WithResource("events"), pod.Namespace)
	if err != nil {
		return err
	}
	options := metav1.ListOptions{FieldSelector: fields.Set{"involvedObject.uid": string(pod.UID), "type": corev1.EventTypeWarning}.String()}
	return followAll(ctx, events, options, func(o *unstructured.Unstructured, gone bool) bool {
		reason, _, _ := unstructured.NestedString(o.Object, "reason")
		message, _, _ := unstructured.NestedString(o.Object, "message")
		if !gone {
			see(reason, message)
		}
		return true
	})
}

// LogsFrom is where in a container's log to begin: after so many bytes, or with what was printed after a
// time; the zero value is its beginning. Previous is the log of the time before the container was started again.
type LogsFrom struct {
	Skip     Passed
	Since    time.Time
	Previous bool
}

// CopyLogs writes what a container of the pod prints to w, as it comes, until the container ends.
func (c *Client) CopyLogs(ctx context.Context, pod *corev1.Pod, container string, from LogsFrom, w io.Writer) error {
	options := &corev1.PodLogOptions{Container: container, Follow: true}
	if !from.Since.IsZero() {
		options.SinceTime = &metav1.Time{Time: from.Since}
	}
	return c.copyLogs(ctx, pod, options, &skipper{Writer: w, passed: from.Skip})
}

// ErrRotated means that a log no longer has what was read of it before.
var ErrRotated = errors.New("the log was rotated")

// TailOfLog is how many bytes of what was read tell whether a log is still the same.
const TailOfLog = 4096

// Passed is what was read of a log: how much, and the end of it, TailOfLog bytes at most.
type Passed struct {
	Bytes int64
	Tail  []byte
}

// ReadLogs writes to w what a container of the pod has printed after what was read before, and returns at
// once. A log that does not have that any more is ErrRotated, and nothing of it is written.
func (c *Client) ReadLogs(ctx context.Context, pod *corev1.Pod, container string, from LogsFrom, w io.Writer) error {
	rest := &skipper{Writer: w, passed: from.Skip}
	if err := c.copyLogs(ctx, pod, &corev1.PodLogOptions{Container: container, Previous: from.Previous}, rest); err != nil {
		return err
	}
	if rest.at < from.Skip.Bytes {
		return fmt.Errorf("container %s: %w", container, ErrRotated)
	}
	return nil
}

// StartOfLog returns the first bytes of what the cluster still has of a container's log.
func (c *Client) StartOfLog(ctx context.Context, pod *corev1.Pod, container string, n int64) ([]byte, error) {
	var start bytes.Buffer
	err := c.copyLogs(ctx, pod, &corev1.PodLogOptions{Container: container, LimitBytes: &n}, &start)
	return start.Bytes(), err
}

// skipper leaves out what was read before, after it has compared its end.
type skipper struct {
	io.Writer

	passed Passed
	at     int64
}

// Write implements io.Writer.
func (s *skipper) Write(b []byte) (int, error) {
	all := len(b)
	if s.at < s.passed.Bytes {
		known := b[:min(int64(len(b)), s.passed.Bytes-s.at)]
		b = b[len(known):]
		if !s.same(known) {
			return 0, ErrRotated
		}
		s.at += int64(len(known))
	}
	if len(b) == 0 {
		return all, nil
	}
	if _, err := s.Writer.Write(b); err != nil {
		return 0, err
	}
	return all, nil
}

// same reports whether what comes at this place is what was read there, as far as that is known.
func (s *skipper) same(b []byte) bool {
	start := s.passed.Bytes - int64(len(s.passed.Tail)) // where the tail begins
	from := max(s.at, start)
	to := s.at + int64(len(b))
	return from >= to || bytes.Equal(b[from-s.at:], s.passed.Tail[from-start:to-start])
}

func (c *Client) copyLogs(ctx context.Context, pod *corev1.Pod, options *corev1.PodLogOptions, w io.Writer) error {
	client, err := c.Interface()
	if err != nil {
		return err
	}
	stream, err := client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).Stream(ctx)
	if err != nil {
		return err
	}
	defer stream.Close()
	_, err = io.Copy(w, stream)
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("the log of container %s: %w", options.Container, err)
	}
	return err
}
