package release

import (
	"context"
	"sync"
	"time"

	helmkube "helm.sh/helm/v3/pkg/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
)

// Cluster waits for the objects of releases; ready.Waiter is one.
type Cluster interface {
	WaitReady(ctx context.Context, objects []*unstructured.Unstructured, how ready.Options) error
	WaitDeleted(ctx context.Context, objects []ready.Deleted, timeout time.Duration) error
}

// client is Helm's cluster client with waits of our own: they use watches, report what they wait for, and end when
// the run is cancelled. On a signal, Helm itself writes the status "failed" in one goroutine while another continues the
// install and may overwrite it with "deployed". When the wait ends instead, only one goroutine writes the status.
type client struct {
	*helmkube.Client
	getter genericclioptions.RESTClientGetter
	// releaseNamespace is the namespace of the releases.
	releaseNamespace string
	// ctx is the context of the run. It is a field because Helm's interface passes none.
	ctx     context.Context //nolint:containedctx
	cluster Cluster
	// readiness sets how objects are waited for, except for the timeout, which Helm passes.
	readiness ready.Options
	server    server
	// hooks runs hooks; see Helm.SetHooks.
	hooks HookRunner
	// active is the change that is being made; nil if Helm needs no help with it.
	active *activeChange

	// deletionErr is the error of the last wait for a deletion, of which Helm's uninstall keeps only the text.
	deletionErr error

	// applied is closed when Helm has applied the release's objects and starts to wait for them.
	applied     chan struct{}
	appliedOnce sync.Once
	// pauses reports that the next change pauses until paused is closed. A rollback of that change does not pause.
	pauses bool
	paused chan struct{}

	mu sync.Mutex
	// stop ends the waits of the active change; nil if there is none, or if it is not paused.
	stop context.CancelCauseFunc
}

// Pause makes the next change pause after its wait for the release's objects, until Continue or StopWaiting is
// called. So its revision becomes deployed only when the tasks that run in parallel have succeeded. It must be called
// before the change.
func (h *Helm) Pause() { h.client.pauses, h.client.paused = true, make(chan struct{}) }

// Applied returns a channel that is closed when Helm has applied the objects of a change that pauses and starts to
// wait for them.
func (h *Helm) Applied() <-chan struct{} { return h.client.applied }

// Continue lets a paused change complete. It must be called once.
func (h *Helm) Continue() { close(h.client.paused) }

// StopWaiting ends the current wait of a change that pauses, as if it had failed with this error. It does nothing
// after that change: a later wait, such as that of a rollback, is not affected.
func (h *Helm) StopWaiting(reason error) {
	h.client.mu.Lock()
	defer h.client.mu.Unlock()
	if h.client.stop != nil {
		h.client.stop(reason)
	}
}

// begin makes a the active change, with a context of its own, until end is called. The context is cancelled with that of
// the run, and for a change that pauses also by StopWaiting, which therefore does not affect the rollback of --atomic.
func (c *client) begin(a *activeChange) (end func()) {
	ctx, stop := context.WithCancelCause(c.ctx)
	a.ctx = ctx
	c.active = a
	if a.paused != nil {
		c.setStop(stop)
	}
	return func() {
		c.setStop(nil)
		c.active = nil
		stop(nil)
	}
}

func (c *client) setStop(stop context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop = stop
}
