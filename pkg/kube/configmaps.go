package kube

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
)

// ConfigMapMetadata returns the metadata of the namespace's ConfigMaps without their data, which may be large. The
// error is the server's.
func (c *Client) ConfigMapMetadata(ctx context.Context, namespace string) ([]metav1.PartialObjectMetadata, error) {
	config, err := c.RESTConfig()
	if err != nil {
		return nil, err
	}
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	list, err := client.Resource(corev1.SchemeGroupVersion.WithResource("configmaps")).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}
