package kube

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// Live returns the object as it is in the cluster; nil when it is not there.
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

// CreateObject makes the object and returns it as the server has it.
func (c *Client) CreateObject(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	client, err := c.resourceOf(o)
	if err != nil {
		return nil, err
	}
	return client.Create(ctx, o, metav1.CreateOptions{FieldManager: "kubectl-tasks"})
}

// PatchObject applies a JSON merge patch to exactly this object.
func (c *Client) PatchObject(ctx context.Context, o *unstructured.Unstructured, patch []byte) error {
	client, err := c.resourceOf(o)
	if err != nil {
		return err
	}
	_, err = client.Patch(ctx, o.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kubectl-tasks"})
	return err
}

// DeleteObject tells the cluster to delete exactly this object. One that is gone is no error.
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

func (c *Client) resourceOf(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	gvk := o.GroupVersionKind()
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Name(o), err)
	}
	return c.in(mapping.Resource, o.GetNamespace())
}
