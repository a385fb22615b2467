package release

import (
	"context"
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
}

// Wait implements kube.Interface.
func (c *interruptible) Wait(resources kube.ResourceList, timeout time.Duration) error {
	return c.until(func() error { return c.Client.Wait(resources, timeout) })
}

// WaitWithJobs implements kube.Interface.
func (c *interruptible) WaitWithJobs(resources kube.ResourceList, timeout time.Duration) error {
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

// until returns when wait does or when the run is cancelled. In the second case the wait's
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
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	}
}
