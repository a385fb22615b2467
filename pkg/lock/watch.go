package lock

import (
	"context"
	"errors"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/retry"
)

const (
	// pollEvery is the interval between reads of a lease that cannot be watched.
	pollEvery = time.Second
	// minPoll is the shortest time between two reads of a lease.
	minPoll = 10 * time.Millisecond
)

// waitChanged returns when the lease was renewed, taken or released, or after atMost. A failed watch is not an error.
func (l Locks) waitChanged(ctx context.Context, seen *coordinationv1.Lease, atMost time.Duration) error {
	client, err := l.Client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, max(atMost, minPoll), errTimeout)
	defer cancel()
	options := metav1.SingleObject(metav1.ObjectMeta{Name: seen.Name, ResourceVersion: seen.ResourceVersion})
	watching, err := client.CoordinationV1().Leases(l.Namespace).Watch(ctx, options)
	if err != nil {
		return ignoreTimeout(retry.Pause(ctx, pollEvery))
	}
	defer watching.Stop()
	for {
		select {
		case event, open := <-watching.ResultChan():
			lease, is := event.Object.(*coordinationv1.Lease)
			switch {
			case !open, event.Type == watch.Error:
				return ignoreTimeout(retry.Pause(ctx, pollEvery)) // the server ended the watch, or cannot continue it
			case is && event.Type != watch.Deleted && event.Type != watch.Bookmark && renewalOf(lease) == renewalOf(seen):
			case event.Type != watch.Bookmark:
				return nil
			}
		case <-ctx.Done():
			return ignoreTimeout(context.Cause(ctx))
		}
	}
}

// errTimeout is the cause of a context whose time has passed.
var errTimeout = errors.New("timed out")

// ignoreTimeout returns err, or nil for errTimeout.
func ignoreTimeout(err error) error {
	if err == errTimeout { //nolint:errorlint // the cause is returned unwrapped
		return nil
	}
	return err
}
