package kube

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// Named returns an object, given as KIND/NAME with any of kubectl's names for the kind, of which only the kind, the
// namespace and the name are known, and its resource. The namespace is empty when the objects of the kind belong to
// none. The error names the object; it is a meta.NoKindMatchError or NoResourceMatchError when the cluster does not
// have the kind.
func (c *Client) Named(namespace, object string) (*unstructured.Unstructured, schema.GroupVersionResource, error) {
	kind, name, _ := strings.Cut(object, "/")
	gvk, err := kindFor(c.mapper, kind)
	if err != nil {
		return nil, schema.GroupVersionResource{}, fmt.Errorf("%s: %w", object, err)
	}
	mapping, err := c.Mapping(gvk)
	if err != nil {
		return nil, schema.GroupVersionResource{}, fmt.Errorf("%s: %w", object, err)
	}
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(gvk)
	o.SetName(name)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		o.SetNamespace(namespace)
	}
	return o, mapping.Resource, nil
}

// Mapping returns how the cluster serves a kind. The error is a meta.NoKindMatchError when it does not have the kind.
func (c *Client) Mapping(kind schema.GroupVersionKind) (*meta.RESTMapping, error) {
	return c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
}

// Resource returns the client for a resource in a namespace.
func (c *Client) Resource(resource schema.GroupVersionResource, namespace string) (dynamic.ResourceInterface, error) {
	client, err := c.Dynamic()
	if err != nil {
		return nil, err
	}
	return client.Resource(resource).Namespace(namespace), nil
}

// TargetName returns a target, given as KIND/NAME, with its kind as the cluster calls it: "deployment/web" of
// "deploy/web". The errors are those of Named.
func (c *Client) TargetName(namespace, target string) (string, error) {
	o, _, err := c.Named(namespace, target)
	if err != nil {
		return "", err
	}
	return Name(o), nil
}

// Live returns the object as it is in the cluster; nil when it does not exist. The error is the server's.
func (c *Client) Live(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	client, err := c.resourceOf(o)
	if err != nil {
		return nil, err
	}
	live, err := client.Get(ctx, o.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s in namespace %q: %w", Name(o), o.GetNamespace(), err)
	}
	return live, nil
}

// CreateObject creates the object and returns it as the server has it. The error is the server's.
func (c *Client) CreateObject(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	client, err := c.resourceOf(o)
	if err != nil {
		return nil, err
	}
	return client.Create(ctx, o, metav1.CreateOptions{FieldManager: "kubectl-tasks"})
}

// PatchObject applies a JSON merge patch to the object of that name. The error is the server's.
func (c *Client) PatchObject(ctx context.Context, o *unstructured.Unstructured, patch []byte) error {
	client, err := c.resourceOf(o)
	if err != nil {
		return err
	}
	_, err = client.Patch(ctx, o.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kubectl-tasks"})
	return err
}

// DeleteObject requests the deletion of exactly this object. It is no error when it does not exist.
func (c *Client) DeleteObject(ctx context.Context, o *unstructured.Unstructured) error {
	client, err := c.resourceOf(o)
	if err != nil {
		return err
	}
	uid := o.GetUID()
	err = client.Delete(ctx, o.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// resourceOf returns the client for the kind and the namespace of an object.
func (c *Client) resourceOf(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	mapping, err := c.Mapping(o.GroupVersionKind())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Name(o), err)
	}
	return c.Resource(mapping.Resource, o.GetNamespace())
}
