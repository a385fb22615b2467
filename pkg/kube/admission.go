package kube

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// enforceLabel is the label of a namespace with the enforced Pod Security Standard.
const enforceLabel = "pod-security.kubernetes.io/enforce"

// Restricted reports whether the namespace enforces the Pod Security Standard "restricted"; false also when the user
// may not get the namespace.
func (c *Client) Restricted(ctx context.Context, namespace string) bool {
	client, err := c.Interface()
	if err != nil {
		return false
	}
	ns, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
	return err == nil && ns.Labels[enforceLabel] == "restricted"
}

// RefusesPod returns the message with which the server refuses a pod in a dry run, because it violates the namespace's
// Pod Security Standard or exceeds a quota (k8s.io/pod-security-admission and the apiserver's resourcequota plugin
// define the messages). It returns an empty text when the server accepts the pod, or refuses it for other reasons,
// which may be gone when the pod is created.
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
