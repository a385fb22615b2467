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
	// restTimeout is how long the idleTime of the main container's log is waited for when it has ended, and nothing of
	// it comes.
	restTimeout = 10 * time.Second
	// idleTime is how long after a container's end, and after the last of it that came, its log is followed.
	idleTime = 200 * time.Millisecond
	// shortLog is how long a log may be, in bytes, to be read anew rather than followed to its end.
	shortLog = 256 << 10
	// endDelay is how long after the end of a log its container may seem to run: the news of its end
	// takes another way.
	endDelay = 3 * time.Second
	// minPause and maxPause are between two attempts to read a log that cannot be read.
	minPause, maxPause = 200 * time.Millisecond, 5 * time.Second
)

// containerLog is the log of one attempt of a container: of one time that it was started.
type containerLog struct {
	container string
	// restartsSince is how often the container was started again since.
	restartsSince atomic.Int32
	// ended is closed when the attempt has ended.
	ended chan struct{}
	once  sync.Once
	// copied is closed when all of the log was passed on, or when no more of it can be.
	copied chan struct{}
	passed *counter
}

func (l *containerLog) end() { l.once.Do(func() { close(l.ended) }) }

// hasEnded reports whether the attempt is known to have ended.
func (l *containerLog) hasEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// observeLog has what a container prints passed on that has started, each attempt of it once. The cluster keeps the
// log of the attempt before this one too, which may have been missed.
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

// startLog begins to pass on what an attempt of a container prints, after the log of the one before; nil when
// there is none.
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

// passOn passes a log on to its end. What cannot be read is tried again, less and less often, unless the server
// refuses it; either is said once.
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
		case errors.Is(err, kube.ErrRotated) && l.restartsSince.Load() > 0: // it cannot be had any more, and later ones wait
			if !interrupted {
				w.Flush()
				f.note(fmt.Sprintf("the log of container %s was interrupted; lines may be missing", l.container))
			}
			return
		case whole && f.readableAgain(l):
			from.Skip = l.passed.passed()
			continue
		}
		if f.copying.Err() != nil { // meanwhile
			return
		}
		if !interrupted {
			interrupted = true
			w.Flush()
			f.note(fmt.Sprintf("the log of container %s was interrupted; lines may be missing", l.container))
			from = kube.LogsFrom{Since: time.Now()}
		}
		if err == nil {
			continue // it was read to its end
		}
		select {
		case <-f.copying.Done():
			return
		case <-time.After(pause):
			pause = min(2*pause, maxPause)
		}
	}
}

// refused reports whether asking for a log again would not help.
func refused(err error, ended bool) bool {
	return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) ||
		ended && apierrors.IsBadRequest(err)
}

// read writes to w what a log has after what was passed on of it, at once. The log of an attempt is the
// container's own until it is started again, and the one before that until the next time.
func (f *follower) read(l *containerLog, w io.Writer) error {
	from := kube.LogsFrom{Skip: l.passed.passed()}
	switch l.restartsSince.Load() {
	case 0:
		err := f.cluster.ReadLogs(f.copying, f.pod, l.container, from, w)
		if !f.restartable || !errors.Is(err, kube.ErrRotated) {
			return err
		}
		// It may have been started again, which is not known yet.
	case 1:
	default:
		return kube.ErrRotated
	}
	from.Previous = true
	return f.cluster.ReadLogs(f.copying, f.pod, l.container, from, w)
}

// still waits until the log can be read again, and reports whether it has what was read of it so far: one
// that was rotated has not.
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

// copyLog follows a log to its end. The server may notice the end of a container only
// seconds after it has told of it, so following ends before: a shortLog log can be read anew, and a long one is
// looked at until nothing of it is missing.
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
		return kube.ErrRotated // what the server would follow is the log of a later attempt
	}
	return f.cluster.CopyLogs(following, f.pod, l.container, from, l.passed)
}

// passedAll reports whether nothing comes any more and the log has no more than what was passed on. One that was
// rotated does not tell.
func (f *follower) passedAll(l *containerLog) bool {
	if l.passed.idle(idleTime) > 0 {
		return false
	}
	more := &counter{Writer: io.Discard}
	err := f.read(l, more)
	return err == nil && more.passed().Bytes == 0
}

// noteRotation says of a long log that was followed to its end, but whose beginning is not there any more, that
// something of it may be missing: a node that is told to print faster than it hands on what is printed skips what
// it has thrown away meanwhile, and does not say so.
func (f *follower) noteRotation(l *containerLog) {
	if l.passed.passed().Bytes < shortLog || l.restartsSince.Load() > 0 {
		return
	}
	start, err := f.cluster.StartOfLog(f.copying, f.pod, l.container, int64(len(l.passed.head)))
	if err == nil && !bytes.Equal(start, l.passed.head) {
		f.note(fmt.Sprintf("the log of container %s was rotated while it was followed; if it was printed faster than the node hands it on, lines are missing", l.container))
	}
}

// counter knows what has been written through it.
type counter struct {
	io.Writer

	// head is how it begins; only who writes touches it.
	head []byte

	mu   sync.Mutex
	n    int64
	tail []byte
	last time.Time
}

// Write implements io.Writer.
func (c *counter) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.head = append(c.head, b[:min(n, kube.TailOfLog-len(c.head))]...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += int64(n)
	c.last = time.Now()
	c.tail = append(c.tail, b[max(0, n-kube.TailOfLog):n]...)
	c.tail = append(c.tail[:0], c.tail[max(0, len(c.tail)-kube.TailOfLog):]...)
	return n, err
}

// passed returns what was written.
func (c *counter) passed() kube.Passed {
	c.mu.Lock()
	defer c.mu.Unlock()
	return kube.Passed{Bytes: c.n, Tail: slices.Clone(c.tail)}
}

// idle returns what is left of the time for which nothing may come.
func (c *counter) idle(limit time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Until(c.last.Add(limit))
}

// awaitEnd reports whether a container whose log has ended has ended itself; the news of that
// may come a little later.
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

// comes reports whether all of the log was passed on, which it waits for as long as something comes.
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

// finishLogs waits for the idleTime of the logs that belong to the end of the pod, and ends the others.
func (f *follower) finishLogs() {
	for _, l := range f.logs {
		if f.belongsToEnd(l) && !l.awaitCopied() {
			f.note("the rest of the log did not come")
		}
	}
	f.stop()
	f.group.Wait()
}

// counts reports whether a log belongs to the end of the pod that was seen: that of the main container, whatever
// it ran for when its end is the pod's; else those of all that have ended.
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
