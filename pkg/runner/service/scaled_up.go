package service

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
)

// Scaler is the part of a cluster that scaling needs; cluster.Cluster is one.
type Scaler interface {
	ScaledToZero(ctx context.Context, namespace, target string) (bool, error)
	WorkloadUID(ctx context.Context, namespace, target string) (string, error)
	Scale(ctx context.Context, namespace, target string, from, to int64) error
	ScaleBack(ctx context.Context, namespace, target, uid string, from int64) error
	WaitObject(ctx context.Context, namespace, target string, how ready.Options) error
}

// ScaledUp scales the workloads that tasks of a run use up from zero, and back down afterwards. A workload that exec
// tasks have scaled up is scaled down after its last user; one that a task of a service has scaled up stays up for the
// tasks that follow, until ScaleDown. It is safe for concurrent use.
type ScaledUp struct {
	// Cluster and Namespace are where the workloads are.
	Cluster   Scaler
	Namespace string
	// Timeout limits the time until a workload is ready.
	Timeout time.Duration
	// BeforeUp is called before a workload is scaled up, and its error prevents that; may be nil.
	BeforeUp func(target, uid string, replicas int64) error
	// AfterDown is called after a workload is scaled down, or could not be scaled up; may be nil.
	AfterDown func(target string)

	mu  sync.Mutex
	all map[string]*used
	// up are the workloads that are scaled up, in that order.
	up []*used
}

// used is a workload that tasks use.
type used struct {
	target string
	// mu is held while the workload is scaled.
	mu    sync.Mutex
	users int
	// uid is the UID of the workload that a task has scaled up.
	uid string
	// replicas is the number to which a task has scaled it up from zero; 0 when none has.
	replicas int64
	// untilEnd keeps it scaled up until ScaleDown.
	untilEnd bool
}

// Use is a workload in use by a task.
type Use struct {
	of       *ScaledUp
	workload *used
}

// Use counts a task as a user of a workload, given as KIND/NAME. It is called before the task looks for pods: until
// Done, the workload is not scaled down.
func (s *ScaledUp) Use(target string) Use {
	w := s.workload(target)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.users++
	return Use{s, w}
}

func (s *ScaledUp) workload(target string) *used {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]*used{}
	}
	if s.all[target] == nil {
		s.all[target] = &used{target: target}
	}
	return s.all[target]
}

// Add adds a workload that an earlier process of the run has scaled up.
func (s *ScaledUp) Add(target, uid string, replicas int64) {
	w := s.workload(target)
	w.uid, w.replicas, w.untilEnd = uid, replicas, true
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up = append(s.up, w)
}

// ScaleUp scales the workload to one pod when it is scaled to zero. When this task or another one of the run has scaled
// it up, ScaleUp waits until it is ready and returns true.
func (u Use) ScaleUp(ctx context.Context, note func(string)) (bool, error) {
	up, err := u.scaleUp(ctx, note)
	if err != nil || !up {
		return false, err
	}
	return true, u.of.Cluster.WaitObject(ctx, u.of.Namespace, u.workload.target, ready.Options{Timeout: u.of.Timeout})
}

func (u Use) scaleUp(ctx context.Context, note func(string)) (bool, error) {
	w := u.workload
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.replicas > 0 {
		return true, nil
	}
	zero, err := u.of.Cluster.ScaledToZero(ctx, u.of.Namespace, w.target)
	if err != nil || !zero {
		return false, err
	}
	note(w.target + " is scaled to zero: scaling it to 1")
	return true, u.scale(ctx, 1)
}

// ScaleUpUntilEnd scales the workload from zero to a number of pods, unless a task of the run has scaled it up, and
// keeps it up until ScaleDown.
func (u Use) ScaleUpUntilEnd(ctx context.Context, replicas int64) error {
	w := u.workload
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.replicas == 0 {
		if err := u.scale(ctx, replicas); err != nil {
			return err
		}
	}
	w.untilEnd = true
	return nil
}

// scale scales the workload, whose lock is held, up from zero.
func (u Use) scale(ctx context.Context, replicas int64) error {
	s, w := u.of, u.workload
	uid, err := s.Cluster.WorkloadUID(ctx, s.Namespace, w.target)
	if err != nil {
		return err
	}
	if s.BeforeUp != nil {
		if err := s.BeforeUp(w.target, uid, replicas); err != nil {
			return err
		}
	}
	if err := s.Cluster.Scale(ctx, s.Namespace, w.target, 0, replicas); err != nil {
		s.afterDown(w.target)
		return err
	}
	w.uid, w.replicas = uid, replicas
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up = append(s.up, w)
	return nil
}

func (s *ScaledUp) afterDown(target string) {
	if s.AfterDown != nil {
		s.AfterDown(target)
	}
}

// downTimeout limits the request that scales a workload down.
const downTimeout = 30 * time.Second

// Done ends the task's use of the workload. After the last user, a workload that ScaleUp has scaled up is scaled down,
// also when ctx is cancelled, unless another client has scaled it since. note takes the result, for the user.
func (u Use) Done(ctx context.Context, note func(string)) {
	s, w := u.of, u.workload
	w.mu.Lock()
	defer w.mu.Unlock()
	w.users--
	if w.users > 0 || w.replicas == 0 || w.untilEnd {
		return
	}
	if err := s.down(ctx, w); err != nil {
		note(fmt.Sprintf("%v; to scale it to zero, run: kubectl scale %s --replicas=0", err, w.target))
		return
	}
	s.afterDown(w.target)
	note(w.target + " is scaled to zero again")
}

// down scales the workload, whose lock is held, back to zero.
func (s *ScaledUp) down(ctx context.Context, w *used) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), downTimeout)
	defer cancel()
	replicas := w.replicas
	w.replicas, w.untilEnd = 0, false
	s.mu.Lock()
	s.up = slices.DeleteFunc(s.up, func(other *used) bool { return other == w })
	s.mu.Unlock()
	return s.Cluster.ScaleBack(ctx, s.Namespace, w.target, w.uid, replicas)
}

// ScaleDown scales all workloads that are scaled up back to zero, also when ctx is cancelled, except for those that
// another client has scaled since. note takes a line for each, for the user.
func (s *ScaledUp) ScaleDown(ctx context.Context, note func(string)) {
	s.mu.Lock()
	all := slices.Clone(s.up)
	s.mu.Unlock()
	for _, w := range slices.Backward(all) {
		w.mu.Lock()
		err := s.down(ctx, w)
		w.mu.Unlock()
		s.afterDown(w.target)
		if err != nil {
			note(fmt.Sprintf("%v; it is not scaled to zero", err))
			continue
		}
		note(w.target + " is scaled to zero again")
	}
}
