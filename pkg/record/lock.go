package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/crash"
)

const (
	// leaseDuration is how long a lock that is not renewed is respected. Who wants it measures that with
	// its own clock, from when it first saw the last renewal.
	leaseDuration = 15 * time.Second
	// renewEvery is how often a lock is renewed.
	renewEvery = 5 * time.Second
	// heartbeat is how often who waits for a lock says so.
	heartbeat = 15 * time.Second
	// holderAnnotation has the Holder as JSON.
	holderAnnotation = "kubectl-tasks.io/holder"
	// cancelAnnotation names who asks the holder to stop.
	cancelAnnotation = "kubectl-tasks.io/cancelled-by"
)

// Holder is who has a lock.
type Holder struct {
	Owner

	// Run is the run that it is for.
	Run string `json:"run"`
}

// Locks are the places of locks: the Leases of a namespace.
type Locks struct {
	// Client returns the connection to the cluster.
	Client    func() (kubernetes.Interface, error)
	Namespace string
	// Tell says to the user why nothing happens.
	Tell func(text string)
}

// LockedError means that somebody else has had the lock for all of the time that it was waited for.
type LockedError struct {
	Name   string
	Holder Holder
	Waited time.Duration
}

// Error says who has it.
func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is locked by %s for run %s; waited %s\nhint: 'kubectl tasks status' shows what it does; 'kubectl tasks unlock' breaks the lock of a process that is no more", e.Name, e.Holder.Owner, e.Holder.Run, e.Waited.Round(time.Second))
}

// ErrLockLost means that somebody else took the lock, or that it was broken.
var ErrLockLost = errors.New("the lock was lost: another process has it, or it was broken")

// LockName is the name of the Lease that keeps the runs of a release apart; a run without a release has
// one of its own, which tells that it is alive.
func LockName(release, run string) string {
	if release == "" {
		return runName(run)
	}
	return "kubectl-tasks." + release
}

// Lock is a lock that this process has, as long as it renews it.
type Lock struct {
	locks Locks
	lease *coordinationv1.Lease
	// Waited tells that somebody else had it first.
	Waited bool
	// Died is the holder whose lock was taken over because it is no more; nil when there was none.
	Died *Holder

	mu sync.Mutex
	// renewed is when the server last confirmed the lock, by this process's own clock.
	renewed time.Time
	lost    chan struct{}
	once    sync.Once
	// by gets the name of who asks the holder to stop.
	by    chan string
	stop  context.CancelFunc
	ended chan struct{}
}

// Acquire takes the lock of that name for a holder. While somebody else has it, it waits as long as wait
// says, and says so now and then. A lock that is not renewed any more is taken over, and one of a
// process of this machine that is no more at once. The error is a *LockedError, ctx's cause or the
// server's.
func (l Locks) Acquire(ctx context.Context, name string, holder Holder, wait time.Duration) (*Lock, error) {
	began := time.Now()
	var (
		seen     *coordinationv1.Lease // as it was when it last changed
		seenAt   time.Time
		nextTell time.Time
		waited   bool
	)
	for {
		lease, died, err := l.try(ctx, name, holder, seen, seenAt)
		if lostAnswer(err) && time.Since(began) < lostPatience {
			err = apierrors.NewConflict(coordinationv1.Resource("leases"), name, err) // ask again
		}
		switch {
		case err == nil && died != nil, err == nil && lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity == identity(holder):
			return l.locked(lease, waited, died), nil
		case err != nil && !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) && !apierrors.IsNotFound(err):
			return nil, err
		}
		now := time.Now()
		if err == nil {
			if seen == nil || seen.ResourceVersion != lease.ResourceVersion || seen.UID != lease.UID {
				seen, seenAt = lease, now
			}
			waited = true
			other := HolderOf(lease)
			if now.Sub(began) >= wait {
				return nil, &LockedError{Name: name, Holder: other, Waited: now.Sub(began)}
			}
			if !now.Before(nextTell) && l.Tell != nil {
				l.Tell(fmt.Sprintf("waiting for the lock %s, which %s has for run %s; waited %s of %s", name, other.Owner, other.Run, now.Sub(began).Round(time.Second), wait))
				nextTell = now.Add(heartbeat)
			}
		}
		soonest := min(wait-now.Sub(began), nextTell.Sub(now))
		if seen != nil {
			soonest = min(soonest, leaseDuration-now.Sub(seenAt))
		}
		if err := l.changed(ctx, name, seen, soonest); err != nil {
			return nil, err
		}
	}
}

// lostPatience is how long a lock is asked for whose server does not answer.
const lostPatience = 20 * time.Second

// lostAnswer reports whether an error leaves open what the server did. One that cannot be reached at all
// has done nothing.
func lostAnswer(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if dial := (*net.OpError)(nil); errors.As(err, &dial) && dial.Op == "dial" {
		return false
	}
	if network := net.Error(nil); !errors.As(err, &network) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err)
	}
	return true
}

// try takes the lock when it is free or its holder is no more. Otherwise it returns the lease as
// somebody else has it.
func (l Locks) try(ctx context.Context, name string, holder Holder, seen *coordinationv1.Lease, seenAt time.Time) (*coordinationv1.Lease, *Holder, error) {
	client, err := l.Client()
	if err != nil {
		return nil, nil, err
	}
	leases := client.CoordinationV1().Leases(l.Namespace)
	var live *coordinationv1.Lease
	if seen != nil {
		live, err = leases.Get(ctx, name, metav1.GetOptions{})
	}
	if seen == nil || apierrors.IsNotFound(err) { // mostly nobody has it
		made, refused := leases.Create(ctx, l.lease(name, holder, nil), metav1.CreateOptions{FieldManager: "kubectl-tasks"})
		if apierrors.IsNotFound(refused) {
			return nil, nil, fmt.Errorf("there is no namespace %q", l.Namespace)
		}
		if !apierrors.IsAlreadyExists(refused) {
			return made, nil, refused
		}
		live, err = leases.Get(ctx, name, metav1.GetOptions{})
	}
	if err != nil {
		return nil, nil, err
	}
	other := HolderOf(live)
	unchanged := seen != nil && seen.UID == live.UID && seen.ResourceVersion == live.ResourceVersion && time.Since(seenAt) >= leaseDuration
	if live.Spec.HolderIdentity != nil && *live.Spec.HolderIdentity != "" && !unchanged && !other.Dead() {
		return live, nil, nil
	}
	taken, err := leases.Update(ctx, l.lease(name, holder, live), metav1.UpdateOptions{FieldManager: "kubectl-tasks"})
	if err != nil {
		return nil, nil, err
	}
	return taken, &other, nil
}

// changed returns when the lease is no more as it was, or after the time; that it could not be watched
// is no error.
func (l Locks) changed(ctx context.Context, name string, seen *coordinationv1.Lease, atMost time.Duration) error {
	const again = 10 * time.Millisecond
	client, err := l.Client()
	if err != nil {
		return err
	}
	var events <-chan watch.Event
	if seen == nil {
		atMost = again // it has just gone
	} else {
		options := metav1.SingleObject(metav1.ObjectMeta{Name: name, ResourceVersion: seen.ResourceVersion})
		watching, err := client.CoordinationV1().Leases(l.Namespace).Watch(ctx, options)
		if err == nil {
			defer watching.Stop()
			events = watching.ResultChan()
		} else {
			atMost = min(atMost, time.Second)
		}
	}
	return first(ctx, events, max(atMost, again))
}

// identity is what a Lease calls a holder.
func identity(h Holder) string { return fmt.Sprintf("%s/%d/%s", h.Name, h.PID, h.Run) }

// HolderOf returns who has a lease.
func HolderOf(lease *coordinationv1.Lease) Holder {
	var h Holder
	if json.Unmarshal([]byte(lease.Annotations[holderAnnotation]), &h) != nil || h.Name == "" {
		h.Name = "somebody"
		if lease.Spec.HolderIdentity != nil {
			h.Name = *lease.Spec.HolderIdentity
		}
	}
	return h
}

// lease returns the Lease as the holder has it; live is how somebody else had it, or nil.
func (l Locks) lease(name string, holder Holder, live *coordinationv1.Lease) *coordinationv1.Lease {
	about, _ := json.Marshal(holder) // it has nothing that JSON has not
	who, seconds, now := identity(holder), int32(leaseDuration.Seconds()), metav1.NowMicro()
	transitions := int32(0)
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: l.Namespace, Labels: map[string]string{managedByLabel: "kubectl-tasks"}}}
	if live != nil {
		lease = live.DeepCopy()
		if live.Spec.LeaseTransitions != nil {
			transitions = *live.Spec.LeaseTransitions + 1
		}
	}
	if lease.Annotations == nil {
		lease.Annotations = map[string]string{}
	}
	lease.Annotations[holderAnnotation] = string(about)
	delete(lease.Annotations, cancelAnnotation)
	lease.Spec = coordinationv1.LeaseSpec{HolderIdentity: &who, LeaseDurationSeconds: &seconds, AcquireTime: &now, RenewTime: &now, LeaseTransitions: &transitions}
	return lease
}

// locked starts renewing a lease that this process has taken.
func (l Locks) locked(lease *coordinationv1.Lease, waited bool, died *Holder) *Lock {
	ctx, stop := context.WithCancel(context.Background())
	if died != nil && died.Run == "" {
		died = nil
	}
	k := &Lock{locks: l, lease: lease, Waited: waited, Died: died, renewed: time.Now(), lost: make(chan struct{}), by: make(chan string, 1), stop: stop, ended: make(chan struct{})}
	go k.keep(ctx)
	return k
}

// keep renews the lock until it is released or lost.
func (k *Lock) keep(ctx context.Context) {
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
		case errors.Is(err, ErrLockLost):
			return
		case err != nil:
			pause = time.Second // the server is out of reach, or busy
		}
	}
}

// renew has the server confirm that the lock is still this process's. An error that is not ErrLockLost
// leaves that open.
func (k *Lock) renew(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case <-k.lost:
		return ErrLockLost
	default:
	}
	client, err := k.locks.Client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, renewEvery)
	defer cancel()
	leases := client.CoordinationV1().Leases(k.locks.Namespace)
	asked := time.Now()
	next := k.lease.DeepCopy()
	now := metav1.NowMicro()
	next.Spec.RenewTime = &now
	updated, err := leases.Update(ctx, next, metav1.UpdateOptions{FieldManager: "kubectl-tasks"})
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		// An answer of ours may have been lost.
		live, other := leases.Get(ctx, k.lease.Name, metav1.GetOptions{})
		switch {
		case other == nil && live.UID == k.lease.UID && *live.Spec.HolderIdentity == *k.lease.Spec.HolderIdentity && *live.Spec.LeaseTransitions == *k.lease.Spec.LeaseTransitions:
			k.lease = live
			if by := live.Annotations[cancelAnnotation]; by != "" {
				select {
				case k.by <- by:
				default: // it was told already
				}
			}
			return errors.New("the lease has changed")
		case other == nil, apierrors.IsNotFound(other):
			k.once.Do(func() { close(k.lost) })
			return ErrLockLost
		}
		return other
	}
	if err != nil {
		return err
	}
	k.lease, k.renewed = updated, asked
	return nil
}

// Cancelled gets the name of who asks the holder to stop.
func (k *Lock) Cancelled() <-chan string { return k.by }

// Lost is closed when the lock is no longer this process's.
func (k *Lock) Lost() <-chan struct{} { return k.lost }

// Check returns nil when nobody else can have the lock now: the server confirmed it less than a lease
// ago. Otherwise it asks until the server has answered or ctx ends.
func (k *Lock) Check(ctx context.Context) error {
	for {
		select {
		case <-k.lost:
			return ErrLockLost
		default:
		}
		if k.fresh() {
			return nil
		}
		err := k.renew(ctx)
		if err == nil || errors.Is(err, ErrLockLost) {
			continue
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the lock could not be confirmed: %w", err)
		case <-time.After(time.Second):
		}
	}
}

// fresh reports whether the server has confirmed the lock a short time ago, by both clocks: the one that
// nobody sets may stand still while the machine sleeps.
func (k *Lock) fresh() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	const limit = leaseDuration - renewEvery
	onTheWall := time.Now().Round(0).Sub(k.renewed.Round(0))
	return time.Since(k.renewed) < limit && onTheWall >= 0 && onTheWall < limit
}

// Release gives the lock back; one that was lost is left alone.
func (k *Lock) Release(ctx context.Context) error {
	k.stop()
	<-k.ended
	client, err := k.locks.Client()
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	crash.Point("before the lock is given back")
	defer crash.Point("after the lock is given back")
	mine := metav1.Preconditions{UID: &k.lease.UID, ResourceVersion: &k.lease.ResourceVersion}
	return retry.OnError(retry.DefaultBackoff, func(err error) bool { return !apierrors.IsForbidden(err) }, func() error {
		err := client.CoordinationV1().Leases(k.locks.Namespace).Delete(ctx, k.lease.Name, metav1.DeleteOptions{Preconditions: &mine})
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return nil
		}
		return err
	})
}

// Cancel asks who has the lock of that name for a run to stop; false when nobody has it. The holder
// hears of it when it next renews the lock.
func (l Locks) Cancel(ctx context.Context, name, run, by string) (bool, error) {
	client, err := l.Client()
	if err != nil {
		return false, err
	}
	leases := client.CoordinationV1().Leases(l.Namespace)
	asked := false
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		lease, err := leases.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && HolderOf(lease).Run != run {
			asked = false
			return nil
		}
		if err != nil {
			return err
		}
		lease.Annotations[cancelAnnotation] = by
		_, err = leases.Update(ctx, lease, metav1.UpdateOptions{FieldManager: "kubectl-tasks"})
		asked = err == nil
		return err
	})
	return asked, err
}

// Alive reports whether who has the lock of that name renews it; it watches for as long as a lock lasts
// that is not. A lock that nobody has is not alive.
func (l Locks) Alive(ctx context.Context, name string) (bool, error) {
	client, err := l.Client()
	if err != nil {
		return false, err
	}
	leases := client.CoordinationV1().Leases(l.Namespace)
	var first *coordinationv1.Lease
	for end := time.Now().Add(leaseDuration); ; {
		lease, err := leases.Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return false, nil
		case err != nil:
			return false, err
		case HolderOf(lease).Dead():
			return false, nil
		case first != nil && lease.ResourceVersion != first.ResourceVersion:
			return true, nil
		case !time.Now().Before(end):
			return false, nil
		}
		first = lease
		if err := l.changed(ctx, name, lease, time.Until(end)); err != nil {
			return false, err
		}
	}
}

// Get returns who has the lock of that name; nil when nobody has.
func (l Locks) Get(ctx context.Context, name string) (*Holder, error) {
	client, err := l.Client()
	if err != nil {
		return nil, err
	}
	lease, err := client.CoordinationV1().Leases(l.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	h := HolderOf(lease)
	return &h, nil
}

// Break takes the lock of that name from whoever has it.
func (l Locks) Break(ctx context.Context, name string) error {
	client, err := l.Client()
	if err != nil {
		return err
	}
	err = client.CoordinationV1().Leases(l.Namespace).Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
