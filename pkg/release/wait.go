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
	"k8s.io/cli-runtime/pkg/genericclioptions"

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
	getter genericclioptions.RESTClientGetter
	// home is the namespace of the releases.
	home string
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

	// undeleted is the error of the last wait for a deletion, which Helm's uninstall keeps as text only.
	undeleted error

	// applied is closed when Helm has applied the release's objects and begins to wait for them.
	applied chan struct{}
	once    sync.Once
	// pauses reports that the next change stays where it has waited for the release's objects, until paused is
	// closed; what takes it back does not.
	pauses bool
	paused chan struct{}

	mu sync.Mutex
	// stop ends what the change that is going on waits for; nil when there is none.
	stop context.CancelCauseFunc
}

// Pause has the next change stay, when its objects are applied and awaited as far as --wait has it, until Continue
// or StopWaiting: its revision is deployed only when the tasks beside it have succeeded. It is called before the
// change.
func (h *Helm) Pause() { h.client.pauses, h.client.paused = true, make(chan struct{}) }

// Applied returns a channel that is closed when Helm has applied the manifests of a change that is paused, and
// begins to wait for them.
func (h *Helm) Applied() <-chan struct{} { return h.client.applied }

// Continue has a change that is paused go on to its end. It is called once.
func (h *Helm) Continue() { close(h.client.paused) }

// StopWaiting ends what the change waits for that is going on, as if that had failed for this reason. It does
// nothing when that has ended: a wait that comes later, such as that of a rollback, is another one.
func (h *Helm) StopWaiting(reason error) {
	h.client.mu.Lock()
	defer h.client.mu.Unlock()
	if h.client.stop != nil {
		h.client.stop(reason)
	}
}

// begin gives a change a context of its own, which ends when the run is cancelled, until end is called; of a change that
// is paused also when StopWaiting is called, and not of the rollback that --atomic makes after it.
func (c *client) begin(a *around) (end func()) {
	ctx, stop := context.WithCancelCause(c.ctx)
	a.ctx = ctx
	c.around = a
	if a.paused != nil {
		c.setStop(stop)
	}
	return func() {
		c.setStop(nil)
		c.around = nil
		stop(nil)
	}
}

func (c *client) setStop(stop context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop = stop
}

// pause returns when the change may go on to its end.
func (c *client) pause() error {
	if c.around == nil || c.around.release == nil || c.around.paused == nil {
		return nil
	}
	return c.until(func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.around.paused:
			return nil
		}
	})
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
	c.begins()
	if c.around.waits() {
		how := c.readiness
		how.Timeout, how.Jobs = timeout, jobs
		if err := c.until(func(ctx context.Context) error { return c.cluster.WaitReady(ctx, objectsOf(resources), how) }); err != nil {
			return err
		}
	}
	if err := c.pause(); err != nil {
		return err
	}
	return c.afterChange()
}

// begins reports that Helm has applied the release's objects. Before there is a release it waits for CRDs.
func (c *client) begins() {
	if c.around != nil && c.around.release != nil {
		c.once.Do(func() { close(c.applied) })
	}
}

// WaitForDelete implements kube.InterfaceExt.
func (c *client) WaitForDelete(resources helmkube.ResourceList, timeout time.Duration) error {
	var err error
	if a := c.around; a.waits() || !a.hooks { // without hooks of ours it is Helm that deletes one
		err = c.gone(resources, timeout)
	}
	c.undeleted = errors.Join(err, c.afterChange())
	return c.undeleted
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
	ctx := c.ctx
	if c.around != nil {
		ctx = c.around.ctx
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
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
