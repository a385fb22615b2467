package lock

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/failpoint"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/retry"
)

// Lock is a lock that this process holds, as long as it renews it.
type Lock struct {
	locks Locks
	lease *coordinationv1.Lease
	// Waited reports that another process had the lock first.
	Waited bool
	// TakenFrom is the dead holder whose lock was taken over; nil when there was none.
	TakenFrom *Holder

	mu sync.Mutex
	// renewed is when the server last confirmed the lock, by this process's own clock.
	renewed time.Time
	lost    chan struct{}
	once    sync.Once
	// by receives the name of the user or process that asks the holder to stop.
	by    chan string
	stop  context.CancelFunc
	ended chan struct{}
}

// hold starts to renew a lease that this process has taken.
func (l Locks) hold(lease *coordinationv1.Lease, waited bool, died *Holder) *Lock {
	ctx, stop := context.WithCancel(context.Background())
	if died != nil && died.Run == "" {
		died = nil
	}
	k := &Lock{locks: l, lease: lease, Waited: waited, TakenFrom: died, renewed: time.Now(), lost: make(chan struct{}), by: make(chan string, 1), stop: stop, ended: make(chan struct{})}
	go k.renewLoop(ctx)
	return k
}

// renewLoop renews the lock until it is released or lost.
func (k *Lock) renewLoop(ctx context.Context) {
	defer close(k.ended)
	pause := renewEvery
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = renewEvery
		err := k.renew(ctx)
		switch {
		case errors.Is(err, ErrLost):
			return
		case err != nil:
			pause = time.Second // the server is unreachable or busy
		}
	}
}

// renew lets the server confirm that this process still has the lock. After any error except ErrLost this is not known.
func (k *Lock) renew(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case <-k.lost:
		return ErrLost
	default:
	}
	client, err := k.locks.Client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, renewEvery)
	defer cancel()
	leases := client.CoordinationV1().Leases(k.locks.Namespace)
	for again := retry.Backoff(); ; {
		asked, next, now := time.Now(), k.lease.DeepCopy(), metav1.NowMicro()
		next.Spec.RenewTime = &now
		updated, err := leases.Update(ctx, next, metav1.UpdateOptions{FieldManager: "kubectl-tasks"})
		if err == nil && tenureOf(updated) == tenureOf(k.lease) {
			k.lease, k.renewed = updated, asked
			return nil
		}
		if err != nil && !raced(err) {
			return err
		}
		// Another process has changed the lease, or an answer to a renewal was lost.
		if err := k.refresh(ctx); err != nil {
			return err
		}
		if err := retry.Pause(ctx, again.Step()); err != nil {
			return err
		}
	}
}

// refresh reads the lease again. k.mu is held. The error is ErrLost when another process has it.
func (k *Lock) refresh(ctx context.Context) error {
	live, err := k.locks.get(ctx, k.lease.Name)
	if err != nil {
		return err
	}
	if live == nil || tenureOf(live) != tenureOf(k.lease) {
		k.once.Do(func() { close(k.lost) })
		return ErrLost
	}
	k.lease = live
	if by := live.Annotations[cancelAnnotation]; by != "" {
		select {
		case k.by <- by:
		default: // the request is in the channel already
		}
	}
	return nil
}

// Cancelled receives the name of the user or process that asks the holder to stop.
func (k *Lock) Cancelled() <-chan string { return k.by }

// Lost is closed when this process no longer has the lock.
func (k *Lock) Lost() <-chan struct{} { return k.lost }

// Check returns nil when no other process can have the lock now: the server confirmed it less than a lease duration ago.
// Otherwise it asks until the server has answered or ctx ends.
func (k *Lock) Check(ctx context.Context) error {
	for {
		select {
		case <-k.lost:
			return ErrLost
		default:
		}
		if k.fresh() {
			return nil
		}
		err := k.renew(ctx)
		if err == nil || errors.Is(err, ErrLost) {
			continue
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the lock could not be confirmed: %w", err)
		case <-time.After(time.Second):
		}
	}
}

// fresh reports whether the server has confirmed the lock recently, by the monotonic and by the wall clock: the monotonic
// clock may stop while the machine sleeps.
func (k *Lock) fresh() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	const limit = leaseDuration - renewEvery
	onTheWall := time.Now().Round(0).Sub(k.renewed.Round(0))
	return time.Since(k.renewed) < limit && onTheWall >= 0 && onTheWall < limit
}

// Release deletes the lock. A lock that was lost is not changed. It asks until the server has answered, refuses, or ctx ends:
// otherwise the next run would have to wait until the lock expires.
func (k *Lock) Release(ctx context.Context) error {
	k.stop()
	<-k.ended
	client, err := k.locks.Client()
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	failpoint.Point("before the lock is released")
	defer failpoint.Point("after the lock is released")
	for again := retry.Backoff(); ; {
		mine := metav1.Preconditions{UID: &k.lease.UID, ResourceVersion: &k.lease.ResourceVersion}
		err := client.CoordinationV1().Leases(k.locks.Namespace).Delete(ctx, k.lease.Name, metav1.DeleteOptions{Preconditions: &mine})
		if err == nil || apierrors.IsNotFound(err) {
			return nil
		}
		// Another process has the lock, or the answer to a renewal was lost and the version is old, or the lock is
		// deleted and the answer to that was lost.
		if errors.Is(k.refresh(ctx), ErrLost) {
			return nil
		}
		if retry.Refused(err) || retry.Pause(ctx, again.Step()) != nil {
			return err
		}
	}
}
