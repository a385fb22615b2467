package service

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Awake are the workloads that tasks of a run have woken. They stay awake for the tasks that follow,
// until Restore. It is safe for concurrent use.
type Awake struct {
	// Woken is told before a workload is scaled, and may forbid it; Asleep when it is back, or was not
	// scaled after all. They are nil when nobody asks.
	Woken  func(target, uid string, replicas int64) error
	Asleep func(target string)

	mu    sync.Mutex
	woken []woken
}

type woken struct {
	target, uid string
	replicas    int64
}

// Add adds a workload that an earlier process of the run has woken.
func (a *Awake) Add(target, uid string, replicas int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.woken = append(a.woken, woken{target, uid, replicas})
}

// Wake scales a workload from zero with wake, and tells of it.
func (a *Awake) Wake(target, uid string, replicas int64, wake func() error) error {
	if a.Woken != nil {
		if err := a.Woken(target, uid, replicas); err != nil {
			return err
		}
	}
	err := wake()
	if err != nil {
		a.Back(target)
	}
	return err
}

// Back tells that a workload is back.
func (a *Awake) Back(target string) {
	if a.Asleep != nil {
		a.Asleep(target)
	}
}

// restoreTimeout is how long scaling a workload back may take.
const restoreTimeout = 30 * time.Second

// Restore scales back to zero what was woken, also when ctx is cancelled, but for what somebody else
// has scaled meanwhile. It says what it did.
func (a *Awake) Restore(ctx context.Context, cluster Cluster, namespace string, tell func(string)) {
	a.mu.Lock()
	all := a.woken
	a.woken = nil
	a.mu.Unlock()
	for _, w := range slices.Backward(all) {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreTimeout)
		err := cluster.ScaleBack(limited, namespace, w.target, w.uid, w.replicas)
		cancel()
		a.Back(w.target)
		if err != nil {
			tell(fmt.Sprintf("%v; it is left as it is", err))
			continue
		}
		tell(w.target + " is scaled to zero again")
	}
}
