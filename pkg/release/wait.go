package release

import (
	"context"
	"errors"
	"sync"
	"time"

	helmkube "helm.sh/helm/v3/pkg/kube"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Cluster is what waits for the objects of releases; *kube.Client is one.
type Cluster interface {
	WaitReady(ctx context.Context, objects []*unstructured.Unstructured, how kube.Readiness) error
	WaitGone(ctx context.Context, objects []kube.Deleted, timeout time.Duration) error
}

// client is Helm's cluster client, but for the waits, which are ours: they watch, say what they wait for, and
// end when the run is cancelled. Helm's own answer to a signal is to write "failed" from one goroutine while
// another goes on installing, which may write "deployed" over it; when the wait itself ends, there is only one.
type client struct {
	*helmkube.Client
	// ctx is the run's. It stands in the struct because Helm's interface passes none.
	ctx     context.Context //nolint:containedctx
	cluster Cluster
	// readiness says how objects are waited for, but for the time, which Helm passes.
	readiness kube.Readiness
	server    server
	// hooks runs hooks; see Helm.Hooks.
	hooks HookRunner
	// around is the change whose hooks are carried out here; nil when Helm does it itself, or nobody.
	around *around

	// applied is closed when Helm begins to wait for the release's objects, which it does only
	// after it has applied them.
	applied chan struct{}
	once    sync.Once
	// stop holds why one wait is to end; the waits that Helm begins after that, such as those
	// of --atomic, go on.
	stop chan error
}

// Applied returns a channel that is closed when Helm has applied the manifests of an install or
// upgrade and begins to wait for them, as --wait has it. Without a wait it is never closed.
func (h *Helm) Applied() <-chan struct{} { return h.client.applied }

// StopWaiting ends the wait that Helm is in, or the next one, as if it had failed for this reason.
func (h *Helm) StopWaiting(reason error) {
	select {
	case h.client.stop <- reason:
	default: // it was told already
	}
}

// begins tells that Helm waits for the release's objects. Before that it waits for CRDs alone.
func (c *client) begins(resources helmkube.ResourceList) {
	for _, r := range resources {
		if r.Mapping != nil && r.Mapping.GroupVersionKind.Kind != "CustomResourceDefinition" {
			c.once.Do(func() { close(c.applied) })
			return
		}
	}
}

// Wait implements kube.Interface.
func (c *client) Wait(resources helmkube.ResourceList, timeout time.Duration) error {
	return c.wait(resources, timeout, false)
}

// WaitWithJobs implements kube.Interface.
func (c *client) WaitWithJobs(resources helmkube.ResourceList, timeout time.Duration) error {
	return c.wait(resources, timeout, true)
}

func (c *client) wait(resources helmkube.ResourceList, timeout time.Duration, jobs bool) error {
	if err := c.beforeChange(); err != nil {
		return err
	}
	c.begins(resources)
	if c.around.waits() {
		how := c.readiness
		how.Timeout, how.Jobs = timeout, jobs
		if err := c.until(func(ctx context.Context) error { return c.cluster.WaitReady(ctx, objectsOf(resources), how) }); err != nil {
			return err
		}
	}
	return c.afterChange()
}

// WaitForDelete implements kube.InterfaceExt.
func (c *client) WaitForDelete(resources helmkube.ResourceList, timeout time.Duration) error {
	var err error
	if c.around.waits() {
		err = c.gone(resources, timeout)
	}
	return errors.Join(err, c.afterChange())
}

// gone waits until the resources are deleted. Of those that were made here another one of the same name may stay.
func (c *client) gone(resources helmkube.ResourceList, timeout time.Duration) error {
	deleted := make([]kube.Deleted, len(resources))
	for i, r := range resources {
		deleted[i] = kube.Deleted{Resource: r.Mapping.Resource, Namespace: r.Namespace, Name: r.Name, UID: uidOf(r)}
		if r.Mapping.Scope.Name() == meta.RESTScopeNameRoot {
			deleted[i].Namespace = ""
		}
	}
	return c.until(func(ctx context.Context) error { return c.cluster.WaitGone(ctx, deleted, timeout) })
}

// until returns when wait does, with a context that ends when the wait is stopped or the run is cancelled.
func (c *client) until(wait func(ctx context.Context) error) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	ctx, cancel := context.WithCancelCause(c.ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-ctx.Done():
		case reason := <-c.stop:
			cancel(reason)
		}
	}()
	return wait(ctx)
}

// objectsOf returns the objects of resources, as they were applied.
func objectsOf(resources helmkube.ResourceList) []*unstructured.Unstructured {
	all := make([]*unstructured.Unstructured, 0, len(resources))
	for _, r := range resources {
		o, ok := r.Object.(*unstructured.Unstructured)
		if !ok {
			content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(r.Object)
			if err != nil {
				continue // Helm builds nothing of this kind
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
