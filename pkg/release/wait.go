package release

import (
	"context"
	"sync"
	"time"

	"helm.sh/helm/v3/pkg/kube"
)

// interruptible is Helm's cluster client with waits that end when the run is cancelled. Helm's
// own answer to a signal is to write "failed" from one goroutine while another goes on
// installing, which may write "deployed" over it; when the wait itself ends, there is only one.
type interruptible struct {
	*kube.Client
	// ctx is the run's. It stands in the struct because Helm's interface passes none.
	ctx context.Context //nolint:containedctx
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
func (c *interruptible) begins(resources kube.ResourceList) {
	for _, r := range resources {
		if r.Mapping != nil && r.Mapping.GroupVersionKind.Kind != "CustomResourceDefinition" {
			c.once.Do(func() { close(c.applied) })
			return
		}
	}
}

// Wait implements kube.Interface.
func (c *interruptible) Wait(resources kube.ResourceList, timeout time.Duration) error {
	c.begins(resources)
	return c.until(func() error { return c.Client.Wait(resources, timeout) })
}

// WaitWithJobs implements kube.Interface.
func (c *interruptible) WaitWithJobs(resources kube.ResourceList, timeout time.Duration) error {
	c.begins(resources)
	return c.until(func() error { return c.Client.WaitWithJobs(resources, timeout) })
}

// WaitForDelete implements kube.InterfaceExt.
func (c *interruptible) WaitForDelete(resources kube.ResourceList, timeout time.Duration) error {
	return c.until(func() error { return c.Client.WaitForDelete(resources, timeout) })
}

// WatchUntilReady implements kube.Interface; Helm waits for hooks with it.
func (c *interruptible) WatchUntilReady(resources kube.ResourceList, timeout time.Duration) error {
	return c.until(func() error { return c.Client.WatchUntilReady(resources, timeout) })
}

// until returns when wait does, when it is stopped, or when the run is cancelled. Then the wait's
// polling ends with its own timeout or with the process; it changes nothing.
func (c *interruptible) until(wait func() error) error {
	if err := c.ctx.Err(); err != nil {
		return context.Cause(c.ctx)
	}
	done := make(chan error, 1)
	go func() { done <- wait() }()
	select {
	case err := <-done:
		return err
	case reason := <-c.stop:
		return reason
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	}
}
