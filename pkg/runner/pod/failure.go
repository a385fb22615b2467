package pod

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
	f.note(fmt.Sprintf("container %s: exit status %d; it may be restarted", s.Name, end.ExitCode))
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
