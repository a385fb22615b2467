package pod

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// slowStart is the time after which the cluster's warnings about a pod that has not started are shown.
const slowStart = 5 * time.Second

// follower follows one pod and the logs of its containers.
type follower struct {
	cluster      Cluster
	pod          *corev1.Pod
	main         string
	all          bool
	sink         task.Sink
	stuckTimeout time.Duration
	// messageIsFile reports that the main container's termination message is an output, which may be secret.
	messageIsFile bool
	// prefix precedes the containers' names in the output.
	prefix string
	// restartable reports that the kubelet restarts containers after a failure.
	restartable bool
	// onUpdate is called with each state of the pod; may be nil.
	onUpdate func(*corev1.Pod)

	// The following fields were observed. end is the end of the main container.
	end     *corev1.ContainerStateTerminated
	failure string
	// disruption is the reason why the pod was ended from outside; empty when it ended by itself.
	disruption string
	gone       bool
	// deleting reports that the pod's deletion had begun when its end was observed.
	deleting bool
	// deletionNoted reports that the pod's deletion was shown.
	deletionNoted bool
	noted         string
	// stuck reports that the pod did not start within the stuckTimeout.
	stuck bool
	// lastFailure is the last failure of a container that is restarted, restarts the number of restarts.
	lastFailure *task.Result
	restarts    int
	// attempts counts the failures that were observed, by container.
	attempts map[string]int32
	// allEnded reports that all containers have exited.
	allEnded bool

	// started is closed when a container has started, vanished when the pod no longer exists.
	started, vanished chan struct{}
	giveUp            context.CancelCauseFunc
	timer             *time.Timer
	logs              map[string]*containerLog
	mainLog           *containerLog
	copying           context.Context //nolint:containedctx // the logs' own, which outlives following
	stop              context.CancelFunc
	group             sync.WaitGroup
}

func newFollower(o Following, sink task.Sink) *follower {
	f := &follower{
		cluster: o.Cluster, pod: o.Pod, main: o.Main, all: o.All, sink: sink, stuckTimeout: o.StuckTimeout,
		messageIsFile: len(o.Files) > 0, prefix: o.Prefix, restartable: o.Restarts, onUpdate: o.OnUpdate,
		attempts: map[string]int32{}, logs: map[string]*containerLog{}, started: make(chan struct{}), vanished: make(chan struct{}),
	}
	f.copying, f.stop = context.WithCancel(context.Background())
	return f
}

// follow returns when the main container has exited, or can no longer be observed.
func (f *follower) follow(ctx context.Context) task.Result {
	following, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	f.giveUp = giveUp
	f.group.Go(f.warn)
	err := f.cluster.FollowPod(following, f.pod, f.observe)
	if f.timer != nil {
		f.timer.Stop()
	}
	return target(f.pod, f.main, f.ended(ctx, following, err))
}

// observe takes a state of the pod, nil when it no longer exists. It returns false at the end of the pod.
func (f *follower) observe(pod *corev1.Pod) bool {
	if pod == nil {
		f.gone = true
		close(f.vanished)
		return false
	}
	if f.onUpdate != nil {
		f.onUpdate(pod)
	}
	running := func(s corev1.ContainerStatus) bool { return s.State.Terminated == nil }
	f.allEnded = len(pod.Status.ContainerStatuses) > 0 && !slices.ContainsFunc(pod.Status.ContainerStatuses, running)
	f.restarts = 0
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		f.restarts += int(s.RestartCount)
		if s.State.Waiting != nil && s.LastTerminationState.Terminated == nil {
			continue
		}
		f.observeFailure(pod, s) // before its log, which is copied in parallel, so that the order of the notes is fixed
		f.observeLog(s)
		if end := s.State.Terminated; s.Name == f.main && end != nil && !f.willRestart(pod, end) {
			f.end = end
		}
	}
	if f.all {
		f.end = f.endOfAll(pod)
	}
	if f.end != nil {
		f.disruption, f.deleting = disruption(pod), pod.DeletionTimestamp != nil
		return false
	}
	if pod.Status.Phase == corev1.PodFailed {
		f.failure, f.deleting = whyFailed(pod), pod.DeletionTimestamp != nil
		return false
	}
	if why := disruption(pod); pod.DeletionTimestamp != nil && why != "" && !f.deletionNoted {
		f.deletionNoted = true
		f.note("the pod is being ended: " + why)
	}
	f.watchStart(pod)
	return true
}

// willRestart reports whether the kubelet restarts a container that has exited.
func (f *follower) willRestart(pod *corev1.Pod, end *corev1.ContainerStateTerminated) bool {
	return f.restartable && end.ExitCode != 0 && pod.Status.Phase != corev1.PodFailed
}

// observeFailure keeps the failure of a container that is restarted, and shows it once. The exit of a container whose
// pod is being deleted is not a failure of its program.
func (f *follower) observeFailure(pod *corev1.Pod, s corev1.ContainerStatus) {
	end, attempt := s.State.Terminated, s.RestartCount
	if end == nil || pod.DeletionTimestamp != nil {
		end = s.LastTerminationState.Terminated
		if s.State.Waiting == nil {
			attempt--
		}
	}
	if end == nil || !f.willRestart(pod, end) || attempt < f.attempts[s.Name] {
		return
	}
	f.attempts[s.Name] = attempt + 1
	failure := terminated(end)
	if s.Name != f.main || f.all {
		failure.Message = fmt.Sprintf("container %s: %s", s.Name, failure.Message)
	}
	if f.messageIsFile {
		failure.Message = fmt.Sprintf("exit status %d", end.ExitCode)
	}
	f.lastFailure = &failure
	f.note(fmt.Sprintf("container %s: exit status %d; it may be started again", s.Name, end.ExitCode))
}

// endOfAll returns the end of the first container that failed, else that of the main one; nil while a container runs or
// is restarted.
func (f *follower) endOfAll(pod *corev1.Pod) *corev1.ContainerStateTerminated {
	if !f.allEnded || len(pod.Status.ContainerStatuses) < len(pod.Spec.Containers) {
		return nil
	}
	end := f.end
	for _, s := range pod.Status.ContainerStatuses {
		if f.willRestart(pod, s.State.Terminated) {
			return nil
		}
		if s.State.Terminated.ExitCode != 0 {
			return s.State.Terminated
		}
	}
	return end
}

// watchStart shows why the pod does not start, and ends following when a terminal reason persists.
func (f *follower) watchStart(pod *corev1.Pod) {
	reason, message, terminal := waiting(pod)
	if reason != f.noted && message != "" {
		f.note(message)
	}
	f.noted = reason
	if !terminal {
		if f.timer != nil {
			f.timer.Stop()
			f.timer = nil
		}
		return
	}
	if f.timer == nil {
		f.timer = time.AfterFunc(f.stuckTimeout, func() { f.giveUp(stuckError{reason, message}) })
	}
}

// slowReasons are the warnings of the cluster that the pod's own status does not have.
var slowReasons = []string{"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedMapVolume"}

// warn shows the cluster's warnings, each once, while the pod does not start.
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
	shown := map[string]bool{}
	_ = f.cluster.FollowWarnings(ctx, f.pod, func(reason, message string) { // only shown: an error changes nothing
		if slices.Contains(slowReasons, reason) && !shown[message] {
			shown[message] = true
			f.note(fmt.Sprintf("the pod does not start: %s: %s", reason, message))
		}
	})
}

// waiting returns why the pod does not start, and whether the reason is terminal.
func waiting(pod *corev1.Pod) (reason, message string, terminal bool) {
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		w := s.State.Waiting
		if w == nil || !slices.Contains(kube.TerminalWaitingReasons, w.Reason) {
			continue
		}
		// The two reasons alternate; as one, they are shown once.
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
			// A node may be added.
			return c.Reason, fmt.Sprintf("the pod is not scheduled: %s", c.Message), false
		}
	}
	return "", "", false
}

// disruption returns why the pod was ended from outside; empty when it ended by itself.
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
	if pod.DeletionTimestamp != nil && metav1.GetControllerOf(pod) == nil { // a Job's controller reports its own reason
		return "another client deleted the pod"
	}
	return ""
}

// whyFailed returns the message for a pod that failed before an end of its main container was observed.
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
