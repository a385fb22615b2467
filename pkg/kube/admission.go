package kube

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RefusesPod returns why the server would not take a pod, in its words: because it violates the namespace's
// Pod Security level, or exceeds a quota (k8s.io/pod-security-admission and the apiserver's resourcequota
// plugin word it so). It is empty when the server would take it, or has other reasons, which may be gone
// when the pod is made. The server is asked by a dry run.
func (c *Client) RefusesPod(ctx context.Context, pod *corev1.Pod) string {
	client, err := c.Interface()
	if err != nil {
		return ""
	}
	_, err = client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: "kubectl-tasks"})
	if !apierrors.IsForbidden(err) {
		return ""
	}
	_, why, _ := strings.Cut(err.Error(), " is forbidden: ")
	for _, begin := range []string{"violates PodSecurity", "exceeded quota", "failed quota"} {
		if strings.HasPrefix(why, begin) {
			return why
		}
	}
	return ""
}
