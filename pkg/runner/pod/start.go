package pod

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// slowStart is the time after which the cluster's warnings about a pod that has not started are shown.
const slowStart = 5 * time.Second

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
