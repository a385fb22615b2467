package kube

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// enforceLabel is how a namespace says which pods it takes (Pod Security Standards).
const enforceLabel = "pod-security.kubernetes.io/enforce"

// Restricted reports whether the namespace takes only pods of the standard "restricted". A user
// who may not look at namespaces is told no.
func (c *Client) Restricted(ctx context.Context, namespace string) bool {
	client, err := c.Interface()
	if err != nil {
		return false
	}
	ns, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
	return err == nil && ns.Labels[enforceLabel] == "restricted"
}

// EnsureNamespace makes the namespace as helm install --create-namespace does; one that is there is left as
// it is.
func (c *Client) EnsureNamespace(ctx context.Context, name string) error {
	client, err := c.Interface()
	if err != nil {
		return err
	}
	namespaces := client.CoreV1().Namespaces()
	if _, err := namespaces.Get(ctx, name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return nil //nolint:nilerr // who may not look finds out when it is used
	}
	_, err = namespaces.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"name": name}}}, metav1.CreateOptions{FieldManager: "helm"})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
