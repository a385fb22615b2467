package kube

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ClaimUse is how a PersistentVolumeClaim can be used, and by which pods it is.
type ClaimUse struct {
	// OneNode reports that only the pods of one node can use it at the same time (ReadWriteOnce), OnePod that only one
	// pod can (ReadWriteOncePod).
	OneNode, OnePod bool
	// Pods are the pods on a node that use it and have not ended. They are empty unless OneNode is set.
	Pods []corev1.Pod
}

// ClaimUse returns how the claim is used. The error is the server's, also when the claim does not exist.
func (c *Client) ClaimUse(ctx context.Context, namespace, claim string) (ClaimUse, error) {
	client, err := c.Interface()
	if err != nil {
		return ClaimUse{}, err
	}
	pvc, err := client.CoreV1().PersistentVolumeClaims(namespace).Get(ctx, claim, metav1.GetOptions{})
	if err != nil {
		return ClaimUse{}, err
	}
	modes := pvc.Spec.AccessModes
	use := ClaimUse{OnePod: slices.Contains(modes, corev1.ReadWriteOncePod)}
	use.OneNode = !slices.Contains(modes, corev1.ReadWriteMany) && !slices.Contains(modes, corev1.ReadOnlyMany)
	if !use.OneNode {
		return use, nil
	}
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "status.phase!=Succeeded,status.phase!=Failed",
	})
	if err != nil {
		return use, err
	}
	for _, p := range pods.Items {
		if p.Spec.NodeName != "" && slices.ContainsFunc(p.Spec.Volumes, func(v corev1.Volume) bool {
			return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == claim
		}) {
			use.Pods = append(use.Pods, p)
		}
	}
	return use, nil
}
