package pod

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/lines"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

const (
	// restTimeout limits the wait for the rest of the main container's log after its exit, while nothing arrives.
	restTimeout = 10 * time.Second
	// idleTime is how long a log is followed after the container's exit and after the last byte that arrived.
	idleTime = 200 * time.Millisecond
	// shortLog is the size in bytes up to which a log is read again rather than followed to its end.
	shortLog = 256 << 10
	// endDelay is how long the container's exit may be observed later than the end of its log.
	endDelay = 3 * time.Second
	// minPause and maxPause limit the pause between two attempts to read a log.
	minPause, maxPause = 200 * time.Millisecond, 5 * time.Second
)

// containerLog is the log of one start of a container, called attempt below.
type containerLog struct {
	container string
	// restartsSince is how often the container was restarted since.
	restartsSince atomic.Int32
	// ended is closed when the attempt has exited.
	ended chan struct{}
	once  sync.Once
	// copied is closed when the log is passed on as far as it can be.
	copied chan struct{}
	passed *counter
}

func (l *containerLog) end() { l.once.Do(func() { close(l.ended) }) }

// hasEnded reports whether the attempt was observed to exit.
func (l *containerLog) hasEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// observeLog starts copying the log of a container that has started, once for each attempt. The cluster also keeps the
// log of the previous attempt, which may have been missed.
func (f *follower) observeLog(s corev1.ContainerStatus) {
	var before *containerLog
	for attempt := range s.RestartCount {
		l := f.logs[logID(s.Name, attempt)]
		if l == nil && attempt == s.RestartCount-1 && s.LastTerminationState.Terminated != nil && s.State.Waiting == nil {
			l = f.startLog(s.Name, attempt, before)
		}
		if l != nil {
			l.restartsSince.Store(s.RestartCount - attempt)
			l.end()
			before = l
		}
	}
	l := f.logs[logID(s.Name, s.RestartCount)]
	if l == nil {
		l = f.startLog(s.Name, s.RestartCount, before)
	}
	if s.State.Running == nil {
		l.end()
	}
}

func logID(container string, attempt int32) string { return fmt.Sprintf("%s/%d", container, attempt) }

// startLog starts copying the log of an attempt, after that of the attempt before it, which may be nil.
func (f *follower) startLog(container string, attempt int32, before *containerLog) *containerLog {
	if len(f.logs) == 0 {
		close(f.started)
	}
	name := f.prefix
	if len(f.pod.Spec.Containers)+len(f.pod.Spec.InitContainers) > 1 {
		name = strings.TrimSpace(name + " " + container)
	}
	w := lines.NewWriter(name, task.Stdout, f.sink)
	l := &containerLog{container: container, ended: make(chan struct{}), copied: make(chan struct{}), passed: &counter{Writer: w}}
	f.logs[logID(container, attempt)] = l
	if container == f.main {
		f.mainLog = l
	}
	f.group.Go(func() {
		defer close(l.copied)
		defer w.Flush()
		if before != nil {
			select {
			case <-before.copied:
			case <-f.copying.Done():
				return
			}
		}
		f.copyAll(l, w)
	})
	return l
}

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
		f.note(fmt.Sprintf("the log of container %s was rotated while it was followed; if it was printed faster than the node hands it on, lines are missing", l.container))
	}
}

// counter counts the bytes that are written through it, and keeps the first and the last of them.
type counter struct {
	io.Writer

	// head are the first bytes; only the goroutine that writes uses it.
	head []byte

	mu   sync.Mutex
	n    int64
	tail []byte
	last time.Time
}

// Write implements io.Writer.
func (c *counter) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.head = append(c.head, b[:min(n, kube.LogTailSize-len(c.head))]...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += int64(n)
	c.last = time.Now()
	c.tail = append(c.tail, b[max(0, n-kube.LogTailSize):n]...)
	c.tail = append(c.tail[:0], c.tail[max(0, len(c.tail)-kube.LogTailSize):]...)
	return n, err
}

// passed returns the number of bytes that were written, and the last of them.
func (c *counter) passed() kube.LogPosition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return kube.LogPosition{Bytes: c.n, Tail: slices.Clone(c.tail)}
}

// idle returns the time that is left until nothing has arrived for limit.
func (c *counter) idle(limit time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Until(c.last.Add(limit))
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

// awaitCopied waits, as long as bytes arrive, until the log is passed on, and reports whether it is.
func (l *containerLog) awaitCopied() bool {
	for left := restTimeout; left > 0; left = l.passed.idle(restTimeout) {
		select {
		case <-l.copied:
			return true
		case <-time.After(left):
		}
	}
	return false
}

// finishLogs waits for the rest of the logs that belong to the end of the pod, and stops copying the others.
func (f *follower) finishLogs() {
	for _, l := range f.logs {
		if f.belongsToEnd(l) && !l.awaitCopied() {
			f.note("the rest of the log did not come")
		}
	}
	f.stop()
	f.group.Wait()
}

// belongsToEnd reports whether a log belongs to the end of the pod that was observed: the main container's log when its
// exit ended the pod, otherwise the logs of all containers that have exited.
func (f *follower) belongsToEnd(l *containerLog) bool {
	switch {
	case f.end != nil:
		return l == f.mainLog || f.all
	case f.gone:
		return true
	case f.failure != "":
		return l.hasEnded()
	}
	return false
}
