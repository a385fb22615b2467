package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/retry"
)

const (
	// leaseDuration is how long a lock that is not renewed is respected. A process that wants the lock measures it with its
	// own clock, from when it first saw the last renewal.
	leaseDuration = 15 * time.Second
	// renewEvery is the interval between renewals of a lock.
	renewEvery = 5 * time.Second
	// heartbeat is the interval between messages while Acquire waits.
	heartbeat = 15 * time.Second
	// retryLimit is how long Acquire repeats requests that the server does not answer, or answers with errors of its own.
	retryLimit = 20 * time.Second
)

// Locks are the Leases of a namespace.
type Locks struct {
	// Client returns the connection to the cluster.
	Client    func() (kubernetes.Interface, error)
	Namespace string
	// Log shows the user what Acquire and Alive wait for; it may be nil.
	Log func(text string)
}

// LockedError means that another process held the lock until the timeout.
type LockedError struct {
	Name   string
	Holder Holder
	Waited time.Duration
}

// Error names the holder.
func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is locked by %s for run %s; waited %s\nhint: 'kubectl tasks status' shows this run; 'kubectl tasks unlock' breaks the lock of a dead process", e.Name, e.Holder.Owner, e.Holder.Run, e.Waited.Round(time.Second))
}

// ErrLost means that another process took the lock, or that it was broken.
var ErrLost = errors.New("the lock was lost: another process has it, or it was broken")

// ErrChanged means that the lock has changed since it was read: it was renewed, or another process has it.
var ErrChanged = errors.New("the lock has changed: it was renewed, or another process has it")

// Name returns the name of the Lease that keeps the runs of a release apart. A run without a release has a Lease of its own,
// which shows that its process is alive.
func Name(release, run string) string {
	if release == "" {
		return "kubectl-tasks.run." + run
	}
	return "kubectl-tasks." + release
}

// observation is the lease of another process, with the time at which this process first saw its last renewal.
type observation struct {
	lease *coordinationv1.Lease
	at    time.Time
}

// Acquire takes the lock of that name for a holder. While another process has it, Acquire waits up to wait and logs the
// holder now and then. It takes over a lock that is not renewed any more, and at once one of a dead process of this machine.
// Requests that a busy or unreachable server does not answer are repeated with growing pauses. The error is a *LockedError,
// the cause of ctx, or an error of the server.
func (l Locks) Acquire(ctx context.Context, name string, holder Holder, wait time.Duration) (*Lock, error) {
	var (
		began    = time.Now()
		seen     observation
		nextLog  time.Time
		again    = retry.Backoff()
		failing  time.Time // when the first of the unanswered requests failed; zero after an answer
		answered bool
	)
	for {
		lease, died, err := l.try(ctx, name, holder, seen)
		now := time.Now()
		switch {
		case err == nil && died != nil:
			return l.hold(lease, seen.lease != nil, died), nil
		case raced(err):
			answered, failing = true, time.Time{}
			if err := retry.Pause(ctx, again.Step()); err != nil {
				return nil, err
			}
			continue
		case err != nil:
			if failing.IsZero() {
				failing = now
			}
			if !retry.AnswerLost(err) && (!answered || !retry.Unreachable(err)) || now.Sub(failing) >= retryLimit {
				return nil, err
			}
			if err := retry.Pause(ctx, min(again.Step(), retryLimit-now.Sub(failing))); err != nil {
				return nil, err
			}
			continue
		}
		answered, failing = true, time.Time{}
		if seen.lease == nil || renewalOf(seen.lease) != renewalOf(lease) {
			seen, again = observation{lease, now}, retry.Backoff()
		}
		seen.lease = lease
		other := HolderOf(lease)
		if now.Sub(began) >= wait {
			return nil, &LockedError{Name: name, Holder: other, Waited: now.Sub(began)}
		}
		if !now.Before(nextLog) && l.Log != nil {
			l.Log(fmt.Sprintf("waiting for the lock %s, held by %s for run %s; waited %s of %s", name, other.Owner, other.Run, now.Sub(began).Round(time.Second), wait))
			nextLog = now.Add(heartbeat)
		}
		soonest := min(wait-now.Sub(began), leaseDuration-now.Sub(seen.at))
		if l.Log != nil {
			soonest = min(soonest, nextLog.Sub(now))
		}
		if err := l.waitChanged(ctx, lease, soonest); err != nil {
			return nil, err
		}
	}
}

// try takes the lock when it is free or its holder is dead. Then it also returns the previous holder, an empty one when
// there was none. Otherwise it returns the lease of the other process, and no holder.
func (l Locks) try(ctx context.Context, name string, holder Holder, seen observation) (*coordinationv1.Lease, *Holder, error) {
	client, err := l.Client()
	if err != nil {
		return nil, nil, err
	}
	leases := client.CoordinationV1().Leases(l.Namespace)
	var live *coordinationv1.Lease
	if seen.lease != nil {
		live, err = leases.Get(ctx, name, metav1.GetOptions{})
	}
	if seen.lease == nil || apierrors.IsNotFound(err) { // try to create it first: locks are usually free
		created, refused := leases.Create(ctx, l.lease(name, holder, nil), metav1.CreateOptions{FieldManager: "kubectl-tasks"})
		if apierrors.IsNotFound(refused) {
			return nil, nil, fmt.Errorf("namespace %q not found", l.Namespace)
		}
		if refused == nil {
			return created, &Holder{}, nil
		}
		if !apierrors.IsAlreadyExists(refused) {
			return nil, nil, refused
		}
		live, err = leases.Get(ctx, name, metav1.GetOptions{})
	}
	if err != nil {
		return nil, nil, err
	}
	if holderIdentity(live) == identity(holder) { // the answer to our own create request was lost
		return live, &Holder{}, nil
	}
	other := HolderOf(live)
	silent := seen.lease != nil && renewalOf(seen.lease) == renewalOf(live) && time.Since(seen.at) >= leaseDuration
	if holderIdentity(live) != "" && !silent && !other.Dead() {
		return live, nil, nil
	}
	taken, err := leases.Update(ctx, l.lease(name, holder, live), metav1.UpdateOptions{FieldManager: "kubectl-tasks"})
	if err != nil {
		return nil, nil, err
	}
	return taken, &other, nil
}

// raced reports whether an answer means that another process changed the lease between two requests.
func raced(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err)
}
