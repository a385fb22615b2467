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
	"k8s.io/client-go/dynamic"
)

// ListKind returns the objects of a kind in a namespace; none when the cluster does not have the kind, or the user may
// not list it. Other errors are the server's.
func (c *Client) ListKind(ctx context.Context, group, kind, namespace string) ([]unstructured.Unstructured, error) {
	client, err := c.ofKind(group, kind, namespace)
	if client == nil || err != nil {
		return nil, err
	}
	list, err := client.List(ctx, metav1.ListOptions{})
	switch {
	case apierrors.IsForbidden(err), apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("listing %ss in namespace %q: %w", strings.ToLower(kind), namespace, err)
	}
	return list.Items, nil
}

// FindObject returns an object of a kind; nil when it does not exist, or the cluster does not have the kind.
func (c *Client) FindObject(ctx context.Context, group, kind, namespace, name string) (*unstructured.Unstructured, error) {
	client, err := c.ofKind(group, kind, namespace)
	if client == nil || err != nil {
		return nil, err
	}
	o, err := client.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s/%s in namespace %q: %w", strings.ToLower(kind), name, namespace, err)
	}
	return o, nil
}

// ofKind returns the client for the objects of a kind in a namespace; nil when the cluster does not have the kind.
func (c *Client) ofKind(group, kind, namespace string) (dynamic.ResourceInterface, error) {
	mapping, err := c.mapper.RESTMapping(schema.GroupKind{Group: group, Kind: kind})
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c.Resource(mapping.Resource, namespace)
}

// HasKind reports whether the cluster has a kind; false also when it cannot be asked.
func (c *Client) HasKind(apiVersion, kind string) bool {
	gvk := schema.FromAPIVersionAndKind(apiVersion, kind)
	_, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	return err == nil
}

// HasGroup reports whether the cluster has an API group. The error is the server's.
func (c *Client) HasGroup(group string) (bool, error) {
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
