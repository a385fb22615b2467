package pod

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestDisruption: the reason why a pod is ended from outside is shown, but not that a Job deletes its own.
func TestDisruption(t *testing.T) {
	now, yes := metav1.Now(), true
	deleted := metav1.ObjectMeta{DeletionTimestamp: &now}
	owned := metav1.ObjectMeta{DeletionTimestamp: &now, OwnerReferences: []metav1.OwnerReference{{Kind: "Job", Controller: &yes}}}
	target := func(status corev1.ConditionStatus) []corev1.PodCondition {
		return []corev1.PodCondition{{Type: corev1.DisruptionTarget, Status: status, Reason: "DeletionByTaintManager", Message: "the node is lost"}}
	}
	for want, pod := range map[string]corev1.Pod{
		"":                          {},
		"Evicted: the disk is full": {Status: corev1.PodStatus{Reason: "Evicted", Message: "the disk is full"}},
		"DeadlineExceeded":          {Status: corev1.PodStatus{Reason: "DeadlineExceeded"}},
		"DeletionByTaintManager: the node is lost": {ObjectMeta: owned, Status: corev1.PodStatus{Conditions: target(corev1.ConditionTrue)}},
		"another client deleted the pod":           {ObjectMeta: deleted, Status: corev1.PodStatus{Conditions: target(corev1.ConditionFalse)}},
	} {
		if got := disruption(&pod); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := disruption(&corev1.Pod{ObjectMeta: owned}); got != "" {
		t.Errorf("of a Job's pod: %q", got)
	}
}
