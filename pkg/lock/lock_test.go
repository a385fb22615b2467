package lock

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

const lockName = "kubectl-tasks.web"

var (
	mine   = Holder{Owner: Owner{Name: "me@here", PID: 1}, Run: "mine"}
	theirs = Holder{Owner: Owner{Name: "you@there", PID: 2}, Run: "theirs"}
)

// leases is a server with Leases that have resource versions. It fails as answer says; answer may be nil.
func leases(answer func(clienttesting.Action) (done bool, err error)) (Locks, *fake.Clientset) {
	client := fake.NewClientset()
	client.PrependReactor("*", "leases", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if answer == nil {
			return false, nil, nil
		}
		done, err := answer(action)
		if err == nil {
			return false, nil, nil
		}
		if done { // the request is done, and its answer is lost
			tracked := clienttesting.ObjectReaction(client.Tracker())
			if _, _, refused := tracked(action); refused != nil {
				return true, nil, refused
			}
		}
		return true, nil, err
	})
	return Locks{Client: func() (kubernetes.Interface, error) { return client, nil }, Namespace: "ns"}, client
}

func change(t *testing.T, client kubernetes.Interface, edit func(*coordinationv1.Lease)) {
	t.Helper()
	lease, err := client.CoordinationV1().Leases("ns").Get(context.Background(), lockName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	edit(lease)
	if _, err := client.CoordinationV1().Leases("ns").Update(context.Background(), lease, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// TestLockEdited: whatever is removed from a Lease or added to it, its holder and its waiters end with an error at
// most, and a holder that the Lease no longer names has lost it.
func TestLockEdited(t *testing.T) {
	empty, other, two := "", "other", int32(2)
	for name, tt := range map[string]struct {
		edit func(*coordinationv1.Lease)
		lost bool
	}{
		"no holder":        {func(l *coordinationv1.Lease) { l.Spec.HolderIdentity = nil }, true},
		"an empty holder":  {func(l *coordinationv1.Lease) { l.Spec.HolderIdentity = &empty }, true},
		"another holder":   {func(l *coordinationv1.Lease) { l.Spec.HolderIdentity = &other }, true},
		"no transitions":   {func(l *coordinationv1.Lease) { l.Spec.LeaseTransitions = nil }, false},
		"more transitions": {func(l *coordinationv1.Lease) { l.Spec.LeaseTransitions = &two }, true},
		"no spec":          {func(l *coordinationv1.Lease) { l.Spec = coordinationv1.LeaseSpec{} }, true},
		"no times": {func(l *coordinationv1.Lease) {
			l.Spec.RenewTime, l.Spec.AcquireTime, l.Spec.LeaseDurationSeconds = nil, nil, nil
		}, false},
		"no annotations":     {func(l *coordinationv1.Lease) { l.Annotations = nil }, false},
		"no JSON":            {func(l *coordinationv1.Lease) { l.Annotations[holderAnnotation] = "{" }, false},
		"a holder of no run": {func(l *coordinationv1.Lease) { l.Annotations[holderAnnotation] = `{"name":"x","pid":-1}` }, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var conflict atomic.Bool
				locks, client := leases(func(a clienttesting.Action) (bool, error) {
					if a.GetVerb() == "update" && conflict.Swap(false) {
						return false, apierrors.NewConflict(coordinationv1.Resource("leases"), lockName, errors.New("changed"))
					}
					return false, nil
				})
				lock, err := locks.Acquire(t.Context(), lockName, mine, 0)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(lock.stop)
				change(t, client, tt.edit)
				conflict.Store(true)
				<-time.After(2 * renewEvery)
				synctest.Wait()
				select {
				case <-lock.Lost():
					if !tt.lost {
						t.Error("it is lost")
					}
				default:
					if tt.lost {
						t.Error("it is not lost")
					}
				}
				change(t, client, tt.edit)
				if _, err := locks.Cancel(t.Context(), lockName, "mine", "x"); err != nil {
					t.Error(err)
				}
				if _, err := locks.Cancel(t.Context(), lockName, "", "x"); err != nil {
					t.Error(err)
				}
				if _, err := locks.Get(t.Context(), lockName); err != nil {
					t.Error(err)
				}
				if !tt.lost {
					if err := errors.Join(lock.Check(t.Context()), lock.Release(t.Context())); err != nil {
						t.Error(err)
					}
				}
				next, err := locks.Acquire(t.Context(), lockName, theirs, time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(lock.Release(t.Context()), next.Check(t.Context()), next.Release(t.Context())); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestLockBusy: a server that answers with errors is asked a few times, with pauses, until the limit after the first of
// the errors.
func TestLockBusy(t *testing.T) {
	for name, answer := range map[string]error{
		"500": apierrors.NewInternalError(errors.New("etcd")),
		"503": apierrors.NewServiceUnavailable("later"),
		"429": apierrors.NewTooManyRequests("later", 0),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var busy atomic.Bool
				busy.Store(true)
				asked := 0
				locks, client := leases(func(clienttesting.Action) (bool, error) {
					if !busy.Load() {
						return false, nil
					}
					asked++
					return false, answer
				})
				began := time.Now()
				_, err := locks.Acquire(t.Context(), lockName, mine, time.Minute)
				if took := time.Since(began); err == nil || took < retryLimit-6*time.Second || took > retryLimit+6*time.Second || asked > 30 {
					t.Errorf("asked %d times in %s, error %v", asked, took, err)
				}
				// Acquire succeeds when the server answers again in time, however long the lock was waited for before.
				busy.Store(false)
				theirLock, err := locks.Acquire(t.Context(), lockName, theirs, 0)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(theirLock.stop)
				time.AfterFunc(2*time.Minute, func() {
					change(t, client, func(l *coordinationv1.Lease) { l.Annotations["touched"] = "yes" })
					busy.Store(true)
				})
				time.AfterFunc(2*time.Minute+5*time.Second, func() { busy.Store(false) })
				time.AfterFunc(3*time.Minute, func() { _ = theirLock.Release(context.Background()) })
				lock, err := locks.Acquire(t.Context(), lockName, mine, 10*time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				if err := lock.Release(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestLockReleased: a lock is released although answers of the server are lost, to the renewal before or to the release
// itself, and although the server is busy for a while.
func TestLockReleased(t *testing.T) {
	lost := errors.New("unexpected EOF")
	for name, tt := range map[string]struct {
		verb  string
		done  bool
		times int
	}{
		"a renewal's answer is lost":    {"update", true, 1},
		"the release's answer is lost":  {"delete", true, 1},
		"the release is lost":           {"delete", false, 1},
		"the server is busy for longer": {"delete", false, 8},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var left atomic.Int32
				locks, client := leases(func(a clienttesting.Action) (bool, error) {
					if a.GetVerb() == tt.verb && left.Add(-1) >= 0 {
						return tt.done, lost
					}
					return false, nil
				})
				versions(client)
				lock, err := locks.Acquire(t.Context(), lockName, mine, 0)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(lock.stop)
				left.Store(int32(tt.times))
				<-time.After(renewEvery + 100*time.Millisecond)
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if err := lock.Release(ctx); err != nil {
					t.Error(err)
				}
				if _, err := client.CoordinationV1().Leases("ns").Get(t.Context(), lockName, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
					t.Errorf("the lease is still there, error %v", err)
				}
			})
		})
	}
}

// versions checks changes and deletions of a Lease against its resource version, as a real server does.
func versions(client *fake.Clientset) {
	var now atomic.Int64
	client.PrependReactor("*", "leases", func(action clienttesting.Action) (bool, runtime.Object, error) {
		next := func(o runtime.Object) {
			lease, _ := o.(*coordinationv1.Lease)
			lease.ResourceVersion, lease.UID = strconv.FormatInt(now.Add(1), 10), "uid"
		}
		wanted := ""
		switch a := action.(type) {
		case clienttesting.CreateActionImpl:
			next(a.Object)
			return false, nil, nil
		case clienttesting.UpdateActionImpl:
			lease, _ := a.Object.(*coordinationv1.Lease)
			wanted = lease.ResourceVersion
			defer next(a.Object)
		case clienttesting.DeleteActionImpl:
			if p := a.DeleteOptions.Preconditions; p != nil && p.ResourceVersion != nil {
				wanted = *p.ResourceVersion
			}
		default:
			return false, nil, nil
		}
		if live, err := client.Tracker().Get(action.GetResource(), "ns", lockName); err == nil && wanted != "" {
			if lease, _ := live.(*coordinationv1.Lease); lease.ResourceVersion != wanted {
				return true, nil, apierrors.NewConflict(coordinationv1.Resource("leases"), lockName, errors.New("changed"))
			}
		}
		return false, nil, nil
	})
}

// TestLockBroken: a lock is broken as it was read, and not when its holder has renewed it meanwhile, unless forced, or
// when another process has it.
func TestLockBroken(t *testing.T) {
	locks, client := leases(nil)
	versions(client)
	held := func() *Held {
		t.Helper()
		h, err := locks.Get(t.Context(), lockName)
		if err != nil || h == nil {
			t.Fatal(h, err)
		}
		return h
	}
	lock, err := locks.Acquire(t.Context(), lockName, mine, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lock.stop)
	seen := held()
	if err := lock.renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := locks.Break(t.Context(), seen); !errors.Is(err, ErrChanged) {
		t.Errorf("error %v", err)
	}
	change(t, client, func(l *coordinationv1.Lease) { *l = *locks.lease(lockName, theirs, l) })
	if err := locks.ForceBreak(t.Context(), seen); !errors.Is(err, ErrChanged) {
		t.Errorf("error %v: another's lock is broken", err)
	}
	seen = held()
	change(t, client, func(l *coordinationv1.Lease) { l.Labels["a"] = "b" })
	if err := errors.Join(locks.ForceBreak(t.Context(), seen), locks.Break(t.Context(), seen)); err != nil {
		t.Error(err)
	}
	if h, err := locks.Get(t.Context(), lockName); h != nil || err != nil {
		t.Errorf("%+v is left, error %v", h, err)
	}
}

// TestLives: a holder that renews its lock is alive, whatever its clock says. Another one is dead after the lease
// duration, or at once when its lease was renewed days ago.
func TestLives(t *testing.T) {
	for name, tt := range map[string]struct {
		// age is the time since the lease was renewed, by its holder's clock.
		age    time.Duration
		renews bool
		lives  bool
		within time.Duration
	}{
		"renewed a moment ago":                       {3 * time.Second, false, true, 0},
		"dead for a minute":                          {time.Minute, false, false, leaseDuration + time.Second},
		"dead for days":                              {48 * time.Hour, false, false, 0},
		"alive, with a clock that is an hour behind": {time.Hour, true, true, renewEvery + 2*time.Second},
		"alive, with a clock that is an hour ahead":  {-time.Hour, true, true, renewEvery + 2*time.Second},
		"dead, with a clock that was an hour ahead":  {-time.Hour, false, false, leaseDuration + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				locks, client := leases(nil)
				lease := locks.lease(lockName, theirs, nil)
				at := func() { lease.Spec.RenewTime = &metav1.MicroTime{Time: time.Now().Add(-tt.age)} }
				at()
				if _, err := client.CoordinationV1().Leases("ns").Create(t.Context(), lease, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
				if tt.renews {
					time.AfterFunc(renewEvery, func() { at(); change(t, client, func(l *coordinationv1.Lease) { l.Spec = lease.Spec }) })
				}
				// A request to stop is no sign of life.
				time.AfterFunc(2*time.Second, func() { _, _ = locks.Cancel(context.Background(), lockName, "theirs", "x") })
				held, err := locks.Get(t.Context(), lockName)
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				lives, err := locks.Alive(t.Context(), held)
				if took := time.Since(began); err != nil || lives != tt.lives || took > tt.within {
					t.Errorf("it lives: %v, error %v, after %s", lives, err, took)
				}
				<-time.After(10 * time.Second)
			})
		})
	}
}
