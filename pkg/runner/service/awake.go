package service

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Scaler is what waking needs of a cluster; *kube.Client is one.
type Scaler interface {
	Asleep(ctx context.Context, namespace, target string) (bool, error)
	WorkloadUID(ctx context.Context, namespace, target string) (string, error)
	Scale(ctx context.Context, namespace, target string, from, to int64) error
	ScaleBack(ctx context.Context, namespace, target, uid string, from int64) error
	WaitObject(ctx context.Context, namespace, target string, how kube.Readiness) error
}

// Awake are the workloads that tasks of a run use, and of those the ones that they have woken. A workload that an
// exec task has woken is scaled back when no task uses it any more; what tasks of services have woken stays
// awake for the tasks that follow, until Restore. It is safe for concurrent use.
type Awake struct {
	// Cluster and Namespace are where the workloads are, Timeout is how long one may take to be ready.
	Cluster   Scaler
	Namespace string
	Timeout   time.Duration
	// Woken is told before a workload is scaled, and may forbid it; Asleep when it is back, or was not
	// scaled after all. They are nil when nobody asks.
	Woken  func(target, uid string, replicas int64) error
	Asleep func(target string)

	mu  sync.Mutex
	all map[string]*workload
	// woken are the workloads that were woken, in that order.
	woken []*workload
}

// workload is one that tasks use.
type workload struct {
	target string
	// mu is held while it is scaled.
	mu    sync.Mutex
	users int
	// uid is that of the workload that a task has scaled.
	uid string
	// replicas is to how many a task has scaled it from zero; 0 when none did.
	replicas int64
	// stays has it stay awake until Restore.
	stays bool
}

// Use is a workload that a task uses.
type Use struct {
	awake    *Awake
	workload *workload
}

// Use counts a task among those that use a workload, given as KIND/NAME. It is called before its pods are
// looked for: until Done, the workload is not scaled to zero under the task.
func (a *Awake) Use(target string) Use {
	w := a.of(target)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.users++
	return Use{a, w}
}

func (a *Awake) of(target string) *workload {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all == nil {
		a.all = map[string]*workload{}
	}
	if a.all[target] == nil {
		a.all[target] = &workload{target: target}
	}
	return a.all[target]
}

// Add adds a workload that an earlier process of the run has woken.
func (a *Awake) Add(target, uid string, replicas int64) {
	w := a.of(target)
	w.uid, w.replicas, w.stays = uid, replicas, true
	a.mu.Lock()
	defer a.mu.Unlock()
	a.woken = append(a.woken, w)
}

// Wake scales the workload to one pod when it is scaled to zero. When a task of the run has woken it, this one or
// another, it waits until it is ready and returns true.
func (u Use) Wake(ctx context.Context, note func(string)) (bool, error) {
	woken, err := u.wake(ctx, note)
	if err != nil || !woken {
		return false, err
	}
	return true, u.awake.Cluster.WaitObject(ctx, u.awake.Namespace, u.workload.target, kube.Readiness{Timeout: u.awake.Timeout})
}

func (u Use) wake(ctx context.Context, note func(string)) (bool, error) {
	w := u.workload
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.replicas > 0 {
		return true, nil
	}
	asleep, err := u.awake.Cluster.Asleep(ctx, u.awake.Namespace, w.target)
	if err != nil || !asleep {
		return false, err
	}
	note(w.target + " is scaled to zero: scaling it to 1")
	return true, u.scale(ctx, 1)
}

// Keep scales the workload from zero to that many pods, unless a task of the run has woken it, and has it stay
// awake until Restore.
func (u Use) Keep(ctx context.Context, replicas int64) error {
	w := u.workload
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.replicas == 0 {
		if err := u.scale(ctx, replicas); err != nil {
			return err
		}
	}
	w.stays = true
	return nil
}

// scale wakes the workload, and tells of it.
func (u Use) scale(ctx context.Context, replicas int64) error {
	a, w := u.awake, u.workload
	uid, err := a.Cluster.WorkloadUID(ctx, a.Namespace, w.target)
	if err != nil {
		return err
	}
	if a.Woken != nil {
		if err := a.Woken(w.target, uid, replicas); err != nil {
			return err
		}
	}
	if err := a.Cluster.Scale(ctx, a.Namespace, w.target, 0, replicas); err != nil {
		a.asleep(w.target)
		return err
	}
	w.uid, w.replicas = uid, replicas
	a.mu.Lock()
	defer a.mu.Unlock()
	a.woken = append(a.woken, w)
	return nil
}

func (a *Awake) asleep(target string) {
	if a.Asleep != nil {
		a.Asleep(target)
	}
}

// restoreTimeout is how long scaling a workload back may take.
const restoreTimeout = 30 * time.Second

// Done says that the task needs the workload no more. When it was the last one, and Wake has woken the workload, it
// is scaled back to zero, also when ctx is cancelled, unless somebody else has scaled it meanwhile; note is told.
func (u Use) Done(ctx context.Context, note func(string)) {
	a, w := u.awake, u.workload
	w.mu.Lock()
	defer w.mu.Unlock()
	w.users--
	if w.users > 0 || w.replicas == 0 || w.stays {
		return
	}
	if err := a.sleep(ctx, w); err != nil {
		note(fmt.Sprintf("%v; do it with: kubectl scale %s --replicas=0", err, w.target))
		return
	}
	a.asleep(w.target)
	note(w.target + " is scaled to zero again")
}

// sleep scales the workload, whose lock is held, back to zero.
func (a *Awake) sleep(ctx context.Context, w *workload) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreTimeout)
	defer cancel()
	replicas := w.replicas
	w.replicas, w.stays = 0, false
	a.mu.Lock()
	a.woken = slices.DeleteFunc(a.woken, func(other *workload) bool { return other == w })
	a.mu.Unlock()
	return a.Cluster.ScaleBack(ctx, a.Namespace, w.target, w.uid, replicas)
}

// Restore scales back to zero what was woken, also when ctx is cancelled, but for what somebody else
// has scaled meanwhile. It says what it did.
func (a *Awake) Restore(ctx context.Context, tell func(string)) {
	a.mu.Lock()
	all := slices.Clone(a.woken)
	a.mu.Unlock()
	for _, w := range slices.Backward(all) {
		w.mu.Lock()
		err := a.sleep(ctx, w)
		w.mu.Unlock()
		a.asleep(w.target)
		if err != nil {
			tell(fmt.Sprintf("%v; it is left as it is", err))
			continue
		}
		tell(w.target + " is scaled to zero again")
	}
}
