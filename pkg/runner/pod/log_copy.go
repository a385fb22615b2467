package pod

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/lines"
)

// copyAll passes a log on to its end. It retries a failed read with a growing pause, unless the server refuses it, and
// shows either once.
func (f *follower) copyAll(l *containerLog, w *lines.Writer) {
	var from kube.LogsFrom
	interrupted, pause := false, minPause
	for {
		known := l.passed.passed().Bytes
		err := f.copyLog(l, from)
		if l.passed.passed().Bytes > known {
			interrupted, pause = false, minPause
		}
		ended := f.awaitEnd(l)
		whole := from.Since.IsZero()
		if whole && ended && err != nil {
			if err = f.read(l, w); err == nil {
				return
			}
		}
		switch {
		case f.copying.Err() != nil:
			return
		case err == nil && ended:
			if whole && l.passed.passed().Bytes == 0 {
				_ = f.read(l, w) // the node can close the log of a short program before it has read its only line
			}
			if whole {
				f.noteRotation(l)
			}
			return
		case refused(err, ended):
			w.Flush()
			f.note(fmt.Sprintf("the log of container %s cannot be read: %v", l.container, err))
			return
		case errors.Is(err, kube.ErrRotated) && l.restartsSince.Load() > 0: // it no longer exists, and the logs of later attempts wait
			if !interrupted {
				w.Flush()
				f.note(fmt.Sprintf("the log of container %s was interrupted; lines may be missing", l.container))
			}
			return
		case whole && f.readableAgain(l):
			from.Skip = l.passed.passed()
			continue
		}
		if f.copying.Err() != nil { // cancelled while it waited
			return
		}
		if !interrupted {
			interrupted = true
			w.Flush()
			f.note(fmt.Sprintf("the log of container %s was interrupted; lines may be missing", l.container))
			from = kube.LogsFrom{Since: time.Now()}
		}
		if err == nil {
			continue // the server closed it without an error
		}
		select {
		case <-f.copying.Done():
			return
		case <-time.After(pause):
			pause = min(2*pause, maxPause)
		}
	}
}

// refused reports whether a retry cannot help.
func refused(err error, ended bool) bool {
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) ||
		ended && apierrors.IsBadRequest(err)
}

// read writes the rest of a log, after the bytes that were passed on, to w without following it. The log of an attempt
// is the container's current log until a restart, and its previous log until the next one.
func (f *follower) read(l *containerLog, w io.Writer) error {
	from := kube.LogsFrom{Skip: l.passed.passed()}
	switch l.restartsSince.Load() {
	case 0:
		err := f.cluster.ReadLogs(f.copying, f.pod, l.container, from, w)
		if !f.restartable || !errors.Is(err, kube.ErrRotated) {
			return err
		}
		// It may have been restarted, which was not observed yet.
	case 1:
	default:
		return kube.ErrRotated
	}
	from.Previous = true
	return f.cluster.ReadLogs(f.copying, f.pod, l.container, from, w)
}

// readableAgain waits until the log can be read, and reports whether it still has the bytes that were passed on. A log
// that was rotated does not.
func (f *follower) readableAgain(l *containerLog) bool {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		err := f.read(l, io.Discard)
		switch {
		case err == nil:
			return true
		case errors.Is(err, kube.ErrRotated), refused(err, true):
			return false
		}
		select {
		case <-f.copying.Done():
			return false
		case <-time.After(pause):
		}
	}
}

// copyLog follows a log to its end. The server may close the stream seconds after it has reported the container's exit,
// so copyLog stops before: a short log can be read again, and a long one is compared until nothing is missing.
func (f *follower) copyLog(l *containerLog, from kube.LogsFrom) error {
	following, stop := context.WithCancel(f.copying)
	defer stop()
	if from.Since.IsZero() {
		go func() {
			select {
			case <-following.Done():
				return
			case <-l.ended:
			}
			for l.passed.passed().Bytes >= shortLog && !f.passedAll(l) {
				select {
				case <-following.Done():
					return
				case <-time.After(idleTime):
				}
			}
			stop()
		}()
	}
	if l.restartsSince.Load() > 0 {
		return kube.ErrRotated // the server would follow the log of a later attempt
	}
	return f.cluster.CopyLogs(following, f.pod, l.container, from, l.passed)
}

// passedAll reports whether nothing arrives any more and the log has no more than the bytes that were passed on. It is
// false for a log that was rotated.
func (f *follower) passedAll(l *containerLog) bool {
	if l.passed.idle(idleTime) > 0 {
		return false
	}
	more := &counter{Writer: io.Discard}
	err := f.read(l, more)
	return err == nil && more.passed().Bytes == 0
}

// noteRotation shows that lines may be missing from a long log that was followed to its end and whose beginning no longer
// exists: when a program prints faster than the node sends its log, the node skips rotated parts without an error.
func (f *follower) noteRotation(l *containerLog) {
	if l.passed.passed().Bytes < shortLog || l.restartsSince.Load() > 0 {
		return
	}
	start, err := f.cluster.StartOfLog(f.copying, f.pod, l.container, int64(len(l.passed.head)))
	if err == nil && !bytes.Equal(start, l.passed.head) {
		f.note(fmt.Sprintf("the log of container %s was rotated while it was followed; lines may be missing if the node sent it more slowly than the container printed it", l.container))
	}
}

// awaitEnd reports whether a container whose log has ended has exited, which may be observed a little later.
func (f *follower) awaitEnd(l *containerLog) bool {
	select {
	case <-l.ended:
		return true
	case <-f.vanished:
		return true
	case <-f.copying.Done():
	case <-time.After(endDelay):
	}
	return false
}
