package pod

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"

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
			f.note("the rest of the log was not received")
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
