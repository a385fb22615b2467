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

// LogsFrom is where to start in a container's log: after a position, or at a time; the zero value is its beginning.
// Previous is the log of the container before its last restart.
type LogsFrom struct {
	Skip     LogPosition
	Since    time.Time
	Previous bool
}

// CopyLogs writes the log of a container of the pod to w, as it comes, until the container ends. The error is the
// server's, ErrRotated or that of w.
func (c *Client) CopyLogs(ctx context.Context, pod *corev1.Pod, container string, from LogsFrom, w io.Writer) error {
	options := &corev1.PodLogOptions{Container: container, Follow: true}
	if !from.Since.IsZero() {
		options.SinceTime = &metav1.Time{Time: from.Since}
	}
	return c.copyLogs(ctx, pod, options, &skipper{Writer: w, position: from.Skip})
}

// ErrRotated means that a log no longer contains what was read before.
var ErrRotated = errors.New("the log was rotated")

// LogTailSize is the number of bytes before a position that identify a log.
const LogTailSize = 4096

// LogPosition is a position in a log: the number of bytes before it, and the last of these, at most LogTailSize.
type LogPosition struct {
	Bytes int64
	Tail  []byte
}

// ReadLogs writes the log of a container of the pod after a position to w, without waiting for more. When the log no
// longer contains what is before the position, the error is ErrRotated, and nothing is written.
func (c *Client) ReadLogs(ctx context.Context, pod *corev1.Pod, container string, from LogsFrom, w io.Writer) error {
	rest := &skipper{Writer: w, position: from.Skip}
	if err := c.copyLogs(ctx, pod, &corev1.PodLogOptions{Container: container, Previous: from.Previous}, rest); err != nil {
		return err
	}
	if rest.at < from.Skip.Bytes {
		return fmt.Errorf("container %s: %w", container, ErrRotated)
	}
	return nil
}

// StartOfLog returns the first n bytes of a container's log, as far as the cluster still has it. The error is the
// server's.
func (c *Client) StartOfLog(ctx context.Context, pod *corev1.Pod, container string, n int64) ([]byte, error) {
	var start bytes.Buffer
	err := c.copyLogs(ctx, pod, &corev1.PodLogOptions{Container: container, LimitBytes: &n}, &start)
	return start.Bytes(), err
}

// skipper drops what is before a position, after it has compared the end of that.
type skipper struct {
	io.Writer

	position LogPosition
	at       int64
}

// Write implements io.Writer.
func (s *skipper) Write(b []byte) (int, error) {
	all := len(b)
	if s.at < s.position.Bytes {
		known := b[:min(int64(len(b)), s.position.Bytes-s.at)]
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

// same reports whether data at the current offset is what was read there before, as far as that is known.
func (s *skipper) same(b []byte) bool {
	start := s.position.Bytes - int64(len(s.position.Tail)) // where the tail begins
	from := max(s.at, start)
	to := s.at + int64(len(b))
	return from >= to || bytes.Equal(b[from-s.at:], s.position.Tail[from-start:to-start])
}

// copyLogs writes a log to w.
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
