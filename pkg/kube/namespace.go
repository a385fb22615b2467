package kube

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// EnsureNamespace creates the namespace as helm install --create-namespace does, unless it exists. The error is the
// server's.
func (c *Client) EnsureNamespace(ctx context.Context, name string) error {
	client, err := c.Interface()
	if err != nil {
		return err
	}
	namespaces := client.CoreV1().Namespaces()
	if _, err := namespaces.Get(ctx, name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return nil //nolint:nilerr // without the right to get it, the first use of the namespace shows whether it exists
	}
	_, err = namespaces.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"name": name}}}, metav1.CreateOptions{FieldManager: "helm"})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
