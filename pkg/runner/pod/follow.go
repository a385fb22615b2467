package pod

import (
	"context"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

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
		f.note("the pod is terminating: " + why)
	}
	f.watchStart(pod)
	return true
}

func (f *follower) note(text string) {
	if f.prefix != "" {
		text = f.prefix + ": " + text
	}
	f.sink(task.Output{Stream: task.Note, Data: []byte(text + "\n")})
}
