package lock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/retry"
)

const (
	// holderAnnotation has the Holder as JSON.
	holderAnnotation = "kubectl-tasks.io/holder"
	// cancelAnnotation names who asks the holder to stop.
	cancelAnnotation = "kubectl-tasks.io/cancelled-by"
)

// identity is what a Lease calls a holder.
func identity(h Holder) string { return fmt.Sprintf("%s/%d/%s", h.Name, h.PID, h.Run) }

// holderIdentity is the identity of who has a lease; empty when nobody has.
func holderIdentity(lease *coordinationv1.Lease) string { return deref(lease.Spec.HolderIdentity) }

// deref returns what a field of a Lease holds; others may write it, and leave any field out.
func deref[T any](field *T) (value T) {
	if field != nil {
		value = *field
	}
	return value
}

// HolderOf returns who has a lease.
func HolderOf(lease *coordinationv1.Lease) Holder {
	var h Holder
	if json.Unmarshal([]byte(lease.Annotations[holderAnnotation]), &h) != nil || h.Name == "" {
		h = Holder{Owner: Owner{Name: "somebody"}}
		if who := holderIdentity(lease); who != "" {
			h.Name = who
		}
	}
	return h
}

// tenure is one holder's time with a lease, from taking it to its end.
type tenure struct {
	uid         types.UID
	holder      string
	transitions int32
}

func tenureOf(lease *coordinationv1.Lease) tenure {
	return tenure{lease.UID, holderIdentity(lease), deref(lease.Spec.LeaseTransitions)}
}

// renewal is a renewal of a lease. Two that are equal are one; whatever else of the lease changes, such as
// its annotations when others ask the holder to stop, is none.
type renewal struct {
	tenure

	renewed int64
}

func renewalOf(lease *coordinationv1.Lease) renewal {
	return renewal{tenureOf(lease), renewedAt(lease).UnixMicro()}
}

// renewedAt is when the lease was renewed, by the clock of who has it.
func renewedAt(lease *coordinationv1.Lease) time.Time { return deref(lease.Spec.RenewTime).Time }

// lease returns the Lease as the holder has it; live is how somebody else had it, or nil.
func (l Locks) lease(name string, holder Holder, live *coordinationv1.Lease) *coordinationv1.Lease {
	about, _ := json.Marshal(holder) // it has nothing that JSON has not
	who, seconds, now := identity(holder), int32(leaseDuration.Seconds()), metav1.NowMicro()
	transitions := int32(0)
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: l.Namespace, Labels: map[string]string{"app.kubernetes.io/managed-by": "kubectl-tasks"}}}
	if live != nil {
		lease = live.DeepCopy()
		transitions = max(0, deref(live.Spec.LeaseTransitions)+1) // it may have been written by others
	}
	if lease.Annotations == nil {
		lease.Annotations = map[string]string{}
	}
	lease.Annotations[holderAnnotation] = string(about)
	delete(lease.Annotations, cancelAnnotation)
	lease.Spec = coordinationv1.LeaseSpec{HolderIdentity: &who, LeaseDurationSeconds: &seconds, AcquireTime: &now, RenewTime: &now, LeaseTransitions: &transitions}
	return lease
}

const (
	// pollEvery is how long it takes to look again at a lease that cannot be watched.
	pollEvery = time.Second
	// minPoll is the shortest time between two looks at a lease.
	minPoll = 10 * time.Millisecond
)

// waitChanged returns when somebody has renewed the lease, taken it or given it back, or after the time; that it could
// not be watched is no error.
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
				return ignoreTimeout(retry.Pause(ctx, pollEvery)) // the server ended it, or cannot go on from there
			case is && event.Type != watch.Deleted && event.Type != watch.Bookmark && renewalOf(lease) == renewalOf(seen):
			case event.Type != watch.Bookmark:
				return nil
			}
		case <-ctx.Done():
			return ignoreTimeout(context.Cause(ctx))
		}
	}
}

// errTimeout is the cause of a time that has passed.
var errTimeout = errors.New("the time is over")

// ignoreTimeout is err, unless that is the end of the time.
func ignoreTimeout(err error) error {
	if err == errTimeout { //nolint:errorlint // the cause is what was set
		return nil
	}
	return err
}
