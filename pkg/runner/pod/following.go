package pod

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Following follows a pod to the end of its main container.
type Following struct {
	Cluster Cluster
	Pod     *corev1.Pod
	// Main is the container whose exit ends the pod; with All, the pod ends when all containers have exited.
	Main string
	All  bool
	// Prefix precedes the names of containers in the output; may be empty.
	Prefix string
	// Restarts reports that the kubelet restarts containers after a failure.
	Restarts bool
	// StuckTimeout is as in Runner.
	StuckTimeout time.Duration
	// Files are the files of the container with outputs. The first one is the container's termination message.
	Files []string
	// OnUpdate is as in Runner.
	OnUpdate func(*corev1.Pod)
}

// Ended is the result of following a pod.
type Ended struct {
	task.Result
	// Vanished reports that the pod was deleted before the end of its main container was observed, Deleting that its
	// deletion had begun when it ended, and Stuck that it did not start within the StuckTimeout.
	Vanished, Deleting, Stuck bool
	// LastFailure is the last failure of a container that was restarted in the pod, nil when there is none, and Restarts
	// the number of restarts.
	LastFailure *task.Result
	Restarts    int

	running, endSeen bool
	own              *int64
}

// Wait passes on the output of the containers, and returns when the main one has exited, or can no longer be observed.
func (f Following) Wait(ctx context.Context, sink task.Sink) Ended {
	follower := newFollower(f, sink)
	result := follower.follow(ctx)
	follower.finishLogs()
	if len(f.Files) > 0 && result.State == task.Succeeded {
		result = withFile(result, f.Files[0], follower.end.Message)
	}
	return Ended{
		Result: result, Vanished: follower.gone, Deleting: follower.deleting, Stuck: follower.stuck, LastFailure: follower.lastFailure, Restarts: follower.restarts,
		running: !follower.allEnded, endSeen: follower.end != nil, own: f.Pod.Spec.TerminationGracePeriodSeconds,
	}
}

// Running reports whether other containers of the pod still ran when its main one exited.
func (e Ended) Running() bool { return e.running && e.endSeen }

// sidecarGrace is the grace of the other containers after the main one has exited.
const sidecarGrace = time.Second

// Grace returns the grace for the containers that still run: stopped for a pod that is stopped before its end,
// sidecarGrace, or less, for the others of a main container that has exited.
func (e Ended) Grace(stopped time.Duration) time.Duration {
	switch {
	case !e.running:
		return 0
	case !e.endSeen:
		return stopped
	case e.own != nil:
		return min(sidecarGrace, time.Duration(*e.own)*time.Second)
	}
	return sidecarGrace
}
