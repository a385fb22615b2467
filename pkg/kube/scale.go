package kube

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Wake scales a workload from zero to one pod and waits until it is ready, for as long as timeout.
// restore puts it back to zero, unless somebody has scaled it to something else meanwhile; it is
// not nil when the workload was scaled, also when err is not nil.
func (c *Client) Wake(ctx context.Context, namespace, target string, timeout time.Duration) (restore func(context.Context) error, err error) {
	if err := c.Scale(ctx, namespace, target, 0, 1); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return c.Scale(ctx, namespace, target, 1, 0) }, c.WaitObject(ctx, namespace, target, Readiness{Timeout: timeout})
}

// Scale changes the number of pods of a workload, given as KIND/NAME; that somebody else has changed
// it is an error, but for one that is at zero as it should be.
func (c *Client) Scale(ctx context.Context, namespace, target string, from, to int64) error {
	o, resource, err := c.named(namespace, target)
	if err != nil {
		return err
	}
	client, err := c.in(resource, namespace)
	if err != nil {
		return err
	}
	wrap := func(err error) error {
		return fmt.Errorf("scaling %s in namespace %q from %d to %d: %w", Name(o), namespace, from, to, err)
	}
	current, err := client.Get(ctx, o.GetName(), metav1.GetOptions{}, "scale")
	if err != nil {
		return wrap(err)
	}
	// It is left out when it is 0.
	replicas, _, _ := unstructured.NestedInt64(current.Object, "spec", "replicas")
	switch {
	case replicas == to && to == 0:
		return nil
	case replicas != from:
		return wrap(fmt.Errorf("somebody has scaled it to %d", replicas))
	}
	if err := unstructured.SetNestedField(current.Object, to, "spec", "replicas"); err != nil {
		return wrap(err)
	}
	// With the version that was read, so that a change meanwhile is a conflict.
	if _, err := client.Update(ctx, current, metav1.UpdateOptions{FieldManager: "kubectl-tasks"}, "scale"); err != nil {
		return wrap(err)
	}
	return nil
}
