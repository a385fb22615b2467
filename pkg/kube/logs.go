package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
