package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ListKind returns the objects of a kind in a namespace; none when the cluster does not know the kind, or
// the user may not list it.
func (c *Client) ListKind(ctx context.Context, group, kind, namespace string) ([]unstructured.Unstructured, error) {
	mapping, err := c.mapper.RESTMapping(schema.GroupKind{Group: group, Kind: kind})
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	client, err := c.in(mapping.Resource, namespace)
	if err != nil {
		return nil, err
	}
	list, err := client.List(ctx, metav1.ListOptions{})
	switch {
	case apierrors.IsForbidden(err), apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking for %ss in namespace %q: %w", strings.ToLower(kind), namespace, err)
	}
	return list.Items, nil
}

// ServesKind reports whether the cluster is known to have a kind.
func (c *Client) ServesKind(apiVersion, kind string) bool {
	gvk := schema.FromAPIVersionAndKind(apiVersion, kind)
	_, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	return err == nil
}

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
