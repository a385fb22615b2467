package kube

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubectl/pkg/util/podutils"
)

// TerminalWaitingReasons are the reasons for which a container waits and that seldom go away without a change.
var TerminalWaitingReasons = []string{
	"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
	"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError",
}

// NotReadyReason returns what keeps the pod from becoming ready, in the kubelet's or the scheduler's words; empty when
// nothing is known.
func NotReadyReason(p *corev1.Pod) string {
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if w := c.State.Waiting; w != nil && w.Reason != "" && w.Reason != "PodInitializing" && w.Reason != "ContainerCreating" {
			return JoinReason(w.Reason, w.Message)
		}
		if t := c.State.Terminated; t != nil && t.ExitCode != 0 {
			return JoinReason(fmt.Sprintf("container %s exited with %d", c.Name, t.ExitCode), t.Message)
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return JoinReason(c.Reason, c.Message)
		}
	}
	if p.Status.Phase == corev1.PodRunning && !podutils.IsPodReady(p) {
		return "running, but its readiness probe does not succeed"
	}
	return ""
}

// JoinReason returns a reason with its message, as "ErrImagePull: not found"; the reason alone when there is no
// message.
func JoinReason(reason, message string) string {
	if message == "" {
		return reason
	}
	return reason + ": " + message
}
