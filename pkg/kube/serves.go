package kube

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Serves reports whether the cluster knows the API group.
func (c *Client) Serves(group string) (bool, error) {
	client, err := c.Interface()
	if err != nil {
		return false, err
	}
	groups, err := client.Discovery().ServerGroups()
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(groups.Groups, func(g metav1.APIGroup) bool { return g.Name == group }), nil
}
