package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientretry "k8s.io/client-go/util/retry"
)

// Held is a lock that a process holds, as it was when it was read.
type Held struct {
	Holder

	lease *coordinationv1.Lease
}

// get returns the lease of that name; nil when there is none.
func (l Locks) get(ctx context.Context, name string) (*coordinationv1.Lease, error) {
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
	return lease, nil
}

// Get returns the lock of that name; nil when no process holds it.
func (l Locks) Get(ctx context.Context, name string) (*Held, error) {
	lease, err := l.get(ctx, name)
	if err != nil || lease == nil || holderIdentity(lease) == "" {
		return nil, err
	}
	return &Held{HolderOf(lease), lease}, nil
}

// WaitRenewed reports whether the holder renews the lock. It watches the lock for one lease duration at most, and updates
// held. A lock that was released meanwhile is not renewed.
func (l Locks) WaitRenewed(ctx context.Context, held *Held) (bool, error) {
	if held.Dead() {
		return false, nil
	}
	first := renewalOf(held.lease)
	for end := time.Now().Add(leaseDuration); ; {
		live, err := l.get(ctx, held.lease.Name)
		switch {
		case err != nil:
			return false, err
		case live == nil, holderIdentity(live) == "":
			return false, nil
		}
		*held = Held{HolderOf(live), live}
		switch {
		case held.Dead():
			return false, nil
		case renewalOf(live) != first:
			return true, nil
		case !time.Now().Before(end):
			return false, nil
		}
		if err := l.waitChanged(ctx, live, time.Until(end)); err != nil {
			return false, err
		}
	}
}

// staleAfter is the age of a lease at which its holder is dead, however wrong the clocks are.
const staleAfter = 24 * time.Hour

// Alive reports whether the holder is alive. It trusts a lease that was renewed within the last seconds, or not for a day, by
// the clocks of its holder and of this machine. Because the clocks may differ, it watches any other lease as WaitRenewed
// does, and logs that.
func (l Locks) Alive(ctx context.Context, held *Held) (bool, error) {
	switch age := time.Since(renewedAt(held.lease)); {
	case held.Dead(), age >= staleAfter:
		return false, nil
	case age > -renewEvery && age < leaseDuration: // clocks differ a little
		return true, nil
	case l.Log != nil:
		l.Log(fmt.Sprintf("run %s of %s last renewed its lock at %s by its own clock; watching the lock for up to %s", held.Run, held.Owner, renewedAt(held.lease).UTC().Format(time.RFC3339), leaseDuration))
	}
	return l.WaitRenewed(ctx, held)
}

// Cancel asks the holder of the lock of that name to stop its run; false when no process holds it for that run. The holder
// reads the request when it next renews the lock.
func (l Locks) Cancel(ctx context.Context, name, run, by string) (bool, error) {
	client, err := l.Client()
	if err != nil {
		return false, err
	}
	asked := false
	err = clientretry.RetryOnConflict(clientretry.DefaultBackoff, func() error {
		lease, err := l.get(ctx, name)
		asked = err == nil && lease != nil && holderIdentity(lease) != "" && HolderOf(lease).Run == run
		if err != nil || !asked {
			return err
		}
		if lease.Annotations == nil {
			lease.Annotations = map[string]string{}
		}
		lease.Annotations[cancelAnnotation] = by
		_, err = client.CoordinationV1().Leases(l.Namespace).Update(ctx, lease, metav1.UpdateOptions{FieldManager: "kubectl-tasks"})
		return err
	})
	return asked && err == nil, err
}

// Break deletes a lock. The error is ErrChanged when its holder has renewed it since it was read, or another process has it.
func (l Locks) Break(ctx context.Context, held *Held) error { return l.remove(ctx, held.lease) }

// ForceBreak deletes a lock although its holder renews it. The error is ErrChanged when another process has it now.
func (l Locks) ForceBreak(ctx context.Context, held *Held) error {
	for tries := 0; ; tries++ {
		err := l.remove(ctx, held.lease)
		if err != ErrChanged || tries == 5 { //nolint:errorlint // remove returns it unwrapped
			return err
		}
		live, err := l.get(ctx, held.lease.Name)
		if err != nil || live == nil {
			return err
		}
		if tenureOf(live) != tenureOf(held.lease) {
			return ErrChanged
		}
		held.lease = live
	}
}

// remove deletes a lease as it was read.
func (l Locks) remove(ctx context.Context, seen *coordinationv1.Lease) error {
	client, err := l.Client()
	if err != nil {
		return err
	}
	as := metav1.Preconditions{UID: &seen.UID, ResourceVersion: &seen.ResourceVersion}
	err = client.CoordinationV1().Leases(l.Namespace).Delete(ctx, seen.Name, metav1.DeleteOptions{Preconditions: &as})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case apierrors.IsConflict(err):
		return ErrChanged
	}
	return err
}

// Drop deletes the lock that a finished run may have left.
func (l Locks) Drop(ctx context.Context, name, run string) error {
	lease, err := l.get(ctx, name)
	if err != nil || lease == nil || holderIdentity(lease) != "" && HolderOf(lease).Run != run {
		return err
	}
	if err := l.remove(ctx, lease); !errors.Is(err, ErrChanged) {
		return err
	}
	return nil
}
