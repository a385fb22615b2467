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
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/lines"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

const (
	// lastLines is how long the rest of the main container's log is waited for when it has ended, and nothing of
	// it comes.
	lastLines = 10 * time.Second
	// rest is how long after a container's end, and after the last of it that came, its log is followed.
	rest = 200 * time.Millisecond
	// short is how long a log may be, in bytes, to be read anew rather than followed to its end.
	short = 256 << 10
	// slowStart is after how long the cluster's warnings about a pod that has not started are shown.
	slowStart = 5 * time.Second
	// quiet is how long after the end of a log its container may seem to run: the news of its end
	// takes another way.
	quiet = 3 * time.Second
)

// follower follows one pod and the logs of its containers.
type follower struct {
	cluster  Cluster
	pod      *corev1.Pod
	main     string
	all      bool
	sink     task.Sink
	patience time.Duration
	// messageIsFile tells that the main container's last message is an output, which may be secret.
	messageIsFile bool
	// prefix is what stands before the containers' names in what is printed.
	prefix string
	// restarts tells that the main container is started again after a failure.
	restarts bool
	// seen is told of each state of the pod; may be nil.
	seen func(*corev1.Pod)

	// What was seen.
	end     *corev1.ContainerStateTerminated
	failure string
	// disruption is who ended the pod, when it was not its program.
	disruption string
	gone       bool
	// goes tells that somebody deletes the pod.
	goes  bool
	noted string
	// allEnded tells that no container runs any more.
	allEnded bool

	// started is closed when a container has started.
	started chan struct{}
	giveUp  context.CancelCauseFunc
	timer   *time.Timer
	logs    map[string]*containerLog
	mainLog *containerLog
	copying context.Context //nolint:containedctx // the logs' own, which outlives following
	stop    context.CancelFunc
	group   sync.WaitGroup
}

// containerLog is the log of one container that has started.
type containerLog struct {
	// ended is closed when the container has.
	ended chan struct{}
	once  sync.Once
	// copied is closed when all of the log was passed on.
	copied chan struct{}
	passed *counter
}

func newFollower(o Following, sink task.Sink) *follower {
	f := &follower{
		cluster: o.Cluster, pod: o.Pod, main: o.Main, all: o.All, sink: sink, patience: o.Patience,
		messageIsFile: len(o.Files) > 0, prefix: o.Prefix, restarts: o.Restarts, seen: o.Seen, logs: map[string]*containerLog{}, started: make(chan struct{}),
	}
	f.copying, f.stop = context.WithCancel(context.Background())
	return f
}

// follow returns when the main container has ended, or when that cannot be expected any more.
func (f *follower) follow(ctx context.Context) task.Result {
	following, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	f.giveUp = giveUp
	f.group.Go(f.warn)
	err := f.cluster.FollowPod(following, f.pod, f.see)
	if f.timer != nil {
		f.timer.Stop()
	}
	return target(f.pod, f.main, f.ended(ctx, following, err))
}

// see takes a state of the pod, nil when it is gone; false when it has seen enough.
func (f *follower) see(pod *corev1.Pod) bool {
	if pod == nil {
		f.gone = true
		return false
	}
	if f.seen != nil {
		f.seen(pod)
	}
	running := func(s corev1.ContainerStatus) bool { return s.State.Terminated == nil }
	f.allEnded = len(pod.Status.ContainerStatuses) > 0 && !slices.ContainsFunc(pod.Status.ContainerStatuses, running)
	statuses := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
	for _, s := range statuses {
		if s.State.Waiting != nil && s.LastTerminationState.Terminated == nil {
			continue
		}
		l := f.startLog(s)
		if s.State.Running != nil {
			continue
		}
		l.once.Do(func() { close(l.ended) })
		end := s.State.Terminated
		again := f.restarts && end != nil && end.ExitCode != 0 && pod.Status.Phase != corev1.PodFailed
		if s.Name == f.main && end != nil && !again {
			f.end = end
		}
	}
	if f.all {
		f.end = f.endOfAll(pod)
	}
	if f.end != nil {
		f.disruption = disruption(pod)
		return false
	}
	if pod.Status.Phase == corev1.PodFailed {
		f.failure = whyFailed(pod)
		return false
	}
	if why := disruption(pod); pod.DeletionTimestamp != nil && why != "" && !f.goes {
		f.goes = true
		f.note("the pod is being ended: " + why)
	}
	f.watchStart(pod)
	return true
}

// endOfAll returns how the containers ended: as the first that failed, else as the main one; nil while
// one of them runs.
func (f *follower) endOfAll(pod *corev1.Pod) *corev1.ContainerStateTerminated {
	if !f.allEnded || len(pod.Status.ContainerStatuses) < len(pod.Spec.Containers) {
		return nil
	}
	end := f.end
	for _, s := range pod.Status.ContainerStatuses {
		if s.State.Terminated.ExitCode != 0 {
			return s.State.Terminated
		}
	}
	return end
}

// watchStart says why the pod does not start, and gives up when that hardly changes by itself.
func (f *follower) watchStart(pod *corev1.Pod) {
	reason, message, hopeless := waiting(pod)
	if reason != f.noted && message != "" {
		f.note(message)
	}
	f.noted = reason
	if !hopeless {
		if f.timer != nil {
			f.timer.Stop()
			f.timer = nil
		}
		return
	}
	if f.timer == nil {
		f.timer = time.AfterFunc(f.patience, func() { f.giveUp(stuckError{reason, message}) })
	}
}

// slowReasons are the warnings of the cluster that the pod's own status does not tell.
var slowReasons = []string{"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedMapVolume"}

// warn shows, once each, what the cluster warns of while the pod does not start.
func (f *follower) warn() {
	ctx, cancel := context.WithCancel(f.copying)
	defer cancel()
	select {
	case <-f.started:
		return
	case <-ctx.Done():
		return
	case <-time.After(slowStart):
	}
	go func() {
		select {
		case <-f.started:
			cancel()
		case <-ctx.Done():
		}
	}()
	told := map[string]bool{}
	_ = f.cluster.FollowWarnings(ctx, f.pod, func(reason, message string) { // for showing; without it nothing is lost
		if slices.Contains(slowReasons, reason) && !told[message] {
			told[message] = true
			f.note(fmt.Sprintf("the pod does not start: %s: %s", reason, message))
		}
	})
}

// waiting returns why the pod does not start, and whether it hardly will.
func waiting(pod *corev1.Pod) (reason, message string, hopeless bool) {
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		w := s.State.Waiting
		if w == nil || !slices.Contains(kube.HopelessReasons, w.Reason) {
			continue
		}
		// The two take turns; as one, they are said once.
		reason = w.Reason
		if reason == "ErrImagePull" {
			reason = "ImagePullBackOff"
		}
		message = fmt.Sprintf("container %s: %s", s.Name, reason)
		if w.Message != "" {
			message += ": " + w.Message
		}
		return reason, message, true
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			// A new node may come.
			return c.Reason, fmt.Sprintf("the pod is not scheduled: %s", c.Message), false
		}
	}
	return "", "", false
}

// disruption returns who ended the pod, when it was not its program; empty when nobody did.
func disruption(pod *corev1.Pod) string {
	if reason := pod.Status.Reason; reason != "" {
		if pod.Status.Message != "" {
			reason += ": " + pod.Status.Message
		}
		return reason
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue {
			return fmt.Sprintf("%s: %s", c.Reason, c.Message)
		}
	}
	if pod.DeletionTimestamp != nil && metav1.GetControllerOf(pod) == nil { // a Job has its reasons, and tells them
		return "somebody deleted the pod"
	}
	return ""
}

// whyFailed words the end of a pod whose main container was not seen to end.
func whyFailed(pod *corev1.Pod) string {
	for _, s := range pod.Status.InitContainerStatuses {
		if t := s.State.Terminated; t != nil && t.ExitCode != 0 {
			return fmt.Sprintf("init container %s: %s", s.Name, terminated(t).Message)
		}
	}
	message := "the pod failed"
	if pod.Status.Reason != "" {
		message += ": " + pod.Status.Reason
	}
	if pod.Status.Message != "" {
		message += ": " + pod.Status.Message
	}
	return message
}

func (f *follower) note(text string) {
	if f.prefix != "" {
		text = f.prefix + ": " + text
	}
	f.sink(task.Output{Stream: task.Note, Data: []byte(text + "\n")})
}

// startLog begins to pass on what a container prints, once each time that it is started.
func (f *follower) startLog(s corev1.ContainerStatus) *containerLog {
	container, id := s.Name, fmt.Sprintf("%s/%d", s.Name, s.RestartCount)
	if l := f.logs[id]; l != nil {
		return l
	}
	if len(f.logs) == 0 {
		close(f.started)
	}
	name := f.prefix
	if len(f.pod.Spec.Containers)+len(f.pod.Spec.InitContainers) > 1 {
		name = strings.TrimSpace(name + " " + container)
	}
	w := lines.NewWriter(name, task.Stdout, f.sink)
	counted := &counter{Writer: w}
	l := &containerLog{ended: make(chan struct{}), copied: make(chan struct{}), passed: counted}
	f.logs[id] = l
	if container == f.main {
		f.mainLog = l
	}
	f.group.Go(func() {
		defer close(l.copied)
		defer w.Flush()
		var from kube.LogsFrom
		for {
			err := f.copyLog(l, container, from, counted)
			ended := f.endsSoon(l)
			whole := from.Since.IsZero()
			switch {
			case f.copying.Err() != nil:
				return
			case err == nil && ended:
				if whole {
					f.noteRotation(container, counted)
				}
				return
			case whole && ended && f.cluster.ReadLogs(f.copying, f.pod, container, counted.passed(), w) == nil:
				return
			case whole && f.still(container, counted.passed()):
				from.Skip = counted.passed()
				continue
			}
			w.Flush()
			f.note(fmt.Sprintf("the log of container %s was interrupted; lines may be missing", container))
			from = kube.LogsFrom{Since: time.Now()}
		}
	})
	return l
}

// still waits until the log can be read again, and reports whether it has what was read of it so far: one
// that was rotated has not.
func (f *follower) still(container string, passed kube.Passed) bool {
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := f.cluster.ReadLogs(f.copying, f.pod, container, passed, io.Discard)
		switch {
		case err == nil:
			return true
		case errors.Is(err, kube.ErrRotated), apierrors.IsNotFound(err), apierrors.IsForbidden(err), apierrors.IsBadRequest(err):
			return false
		}
		select {
		case <-f.copying.Done():
			return false
		case <-time.After(pause):
		}
	}
}

// copyLog follows a container's log to its end. The server may notice the end of a container only
// seconds after it has told of it, so following ends before: a short log can be read anew, and a long one is
// looked at until nothing of it is missing.
func (f *follower) copyLog(l *containerLog, container string, from kube.LogsFrom, w *counter) error {
	following, stop := context.WithCancel(f.copying)
	defer stop()
	if from.Since.IsZero() {
		go func() {
			select {
			case <-following.Done():
				return
			case <-l.ended:
			}
			for w.passed().Bytes >= short && !f.passedAll(following, container, w) {
				select {
				case <-following.Done():
					return
				case <-time.After(rest):
				}
			}
			stop()
		}()
	}
	return f.cluster.CopyLogs(following, f.pod, container, from, w)
}

// passedAll reports whether nothing comes any more and the log has no more than what was passed on. One that was
// rotated does not tell.
func (f *follower) passedAll(ctx context.Context, container string, w *counter) bool {
	if w.idle(rest) > 0 {
		return false
	}
	more := &counter{Writer: io.Discard}
	err := f.cluster.ReadLogs(ctx, f.pod, container, w.passed(), more)
	return err == nil && more.passed().Bytes == 0
}

// noteRotation says of a long log that was followed to its end, but whose beginning is not there any more, that
// something of it may be missing: a node that is told to print faster than it hands on what is printed skips what
// it has thrown away meanwhile, and does not say so.
func (f *follower) noteRotation(container string, w *counter) {
	if w.passed().Bytes < short {
		return
	}
	start, err := f.cluster.StartOfLog(f.copying, f.pod, container, int64(len(w.head)))
	if err == nil && !bytes.Equal(start, w.head) {
		f.note(fmt.Sprintf("the log of container %s was rotated while it was followed; if it was printed faster than the node hands it on, lines are missing", container))
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

// endsSoon reports whether a container whose log has ended has ended itself; the news of that
// may come a little later.
func (f *follower) endsSoon(l *containerLog) bool {
	select {
	case <-l.ended:
		return true
	case <-f.copying.Done():
	case <-time.After(quiet):
	}
	return false
}

// comes reports whether all of the log was passed on, which it waits for as long as something comes.
func (l *containerLog) comes() bool {
	for left := lastLines; left > 0; left = l.passed.idle(lastLines) {
		select {
		case <-l.copied:
			return true
		case <-time.After(left):
		}
	}
	return false
}

// finishLogs waits for the rest of the main container's log, and ends the others.
func (f *follower) finishLogs() {
	for _, l := range f.logs {
		if f.end == nil || l != f.mainLog && !f.all {
			continue
		}
		if !l.comes() {
			f.note("the rest of the log did not come")
		}
	}
	f.stop()
	f.group.Wait()
}
