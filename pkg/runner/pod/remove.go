package pod

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Removal returns how long the deletion of a pod may take. It is requested with the grace of the runner; but a kubelet
// that already stops the pod for another client, such as the Job's controller, keeps the pod's own grace period.
func (r Runner) Removal(spec *corev1.PodSpec) time.Duration {
	own := int64(corev1.DefaultTerminationGracePeriodSeconds)
	if spec.TerminationGracePeriodSeconds != nil {
		own = *spec.TerminationGracePeriodSeconds
	}
	return max(r.Grace, time.Duration(own)*time.Second) + apiTimeout
}

// remove deletes the pod, and waits until it no longer exists when its end was not observed.
func (r Runner) remove(ctx context.Context, pod *corev1.Pod, ended Ended) error {
	deleting, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Removal(&pod.Spec))
	defer cancel()
	err := r.Cluster.DeletePod(deleting, pod, ended.Grace(r.Grace))
	if err == nil && !ended.endSeen && !ended.Vanished {
		err = r.Cluster.FollowPod(deleting, pod, func(*corev1.Pod) bool { return true })
	}
	if err != nil {
		return fmt.Errorf("pod %s in namespace %q could not be deleted: %w; to delete it, run: kubectl delete pod %s -n %s", pod.Name, pod.Namespace, err, pod.Name, pod.Namespace)
	}
	return nil
}
