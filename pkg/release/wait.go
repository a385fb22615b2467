package release

import (
	"context"
	"errors"
	"time"

	helmkube "helm.sh/helm/v3/pkg/kube"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
)

// Wait implements kube.Interface.
func (c *client) Wait(resources helmkube.ResourceList, timeout time.Duration) error {
	return c.wait(resources, timeout, false)
}

// WaitWithJobs implements kube.Interface.
func (c *client) WaitWithJobs(resources helmkube.ResourceList, timeout time.Duration) error {
	return c.wait(resources, timeout, true)
}

// wait waits for the objects, if the user asked for it, pauses, and runs the post hooks.
func (c *client) wait(resources helmkube.ResourceList, timeout time.Duration, jobs bool) error {
	if err := c.runPreHooks(); err != nil {
		return err
	}
	c.reportApplied()
	if c.active.waits() {
		how := c.readiness
		how.Timeout, how.Jobs = timeout, jobs
		if err := c.until(func(ctx context.Context) error { return c.cluster.WaitReady(ctx, objectsOf(resources), how) }); err != nil {
			return err
		}
	}
	if err := c.pause(); err != nil {
		return err
	}
	return c.runPostHooks()
}

// reportApplied closes applied when Helm has applied the release's objects. Before there is a release, Helm waits for
// CRDs.
func (c *client) reportApplied() {
	if c.active != nil && c.active.release != nil {
		c.appliedOnce.Do(func() { close(c.applied) })
	}
}

// pause returns when a change that pauses may complete; the error is the reason that StopWaiting got, or that of the
// run's cancellation.
func (c *client) pause() error {
	if c.active == nil || c.active.release == nil || c.active.paused == nil {
		return nil
	}
	return c.until(func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.active.paused:
			return nil
		}
	})
}

// WaitForDelete implements kube.InterfaceExt.
func (c *client) WaitForDelete(resources helmkube.ResourceList, timeout time.Duration) error {
	var err error
	if a := c.active; a.waits() || !a.hooks { // if the HookRunner runs no hooks, Helm waits for hooks that it deletes
		err = c.waitDeleted(resources, timeout)
	}
	c.deletionErr = errors.Join(err, c.runPostHooks())
	return c.deletionErr
}

// waitDeleted waits until the resources are deleted. An object with a UID is deleted when another one has its name.
func (c *client) waitDeleted(resources helmkube.ResourceList, timeout time.Duration) error {
	deleted := make([]ready.Deleted, len(resources))
	for i, r := range resources {
		deleted[i] = ready.Deleted{Resource: r.Mapping.Resource, Namespace: r.Namespace, Name: r.Name, UID: uidOf(r)}
		if r.Mapping.Scope.Name() == meta.RESTScopeNameRoot {
			deleted[i].Namespace = ""
		}
	}
	return c.until(func(ctx context.Context) error { return c.cluster.WaitDeleted(ctx, deleted, timeout) })
}

// until calls wait with the context of the active change, or of the run if there is none.
func (c *client) until(wait func(ctx context.Context) error) error {
	ctx := c.ctx
	if c.active != nil {
		ctx = c.active.ctx
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return wait(ctx)
}

// objectsOf returns the objects of resources as they were applied, with kind and namespace set.
func objectsOf(resources helmkube.ResourceList) []*unstructured.Unstructured {
	all := make([]*unstructured.Unstructured, 0, len(resources))
	for _, r := range resources {
		o, ok := r.Object.(*unstructured.Unstructured)
		if !ok {
			content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(r.Object)
			if err != nil {
				continue // Helm builds no such objects
			}
			o = &unstructured.Unstructured{Object: content}
		}
		if r.Mapping != nil {
			o = o.DeepCopy()
			o.SetGroupVersionKind(r.Mapping.GroupVersionKind)
		}
		if o.GetNamespace() == "" {
			o.SetNamespace(r.Namespace)
		}
		all = append(all, o)
	}
	return all
}
