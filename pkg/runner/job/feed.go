package job

import (
	"context"
	"errors"
	"sync"

	corev1 "k8s.io/api/core/v1"
)

// feed is a pod.Cluster in which the states of one pod come from the Job's watch of its pods.
type feed struct {
	Cluster

	mu      sync.Mutex
	pod     *corev1.Pod
	gone    bool
	changed chan struct{}
	closing sync.Once
	closed  chan struct{}
}

func (f *feed) put(p *corev1.Pod, gone bool) {
	f.mu.Lock()
	f.pod, f.gone = p, gone
	f.mu.Unlock()
	select {
	case f.changed <- struct{}{}:
	default: // the follower has not read the state before this one yet
	}
}

func (f *feed) close() { f.closing.Do(func() { close(f.closed) }) }

// FollowPod passes on the states that put receives.
func (f *feed) FollowPod(ctx context.Context, _ *corev1.Pod, see func(*corev1.Pod) bool) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-f.closed:
			return errors.New("the Job is no longer followed")
		case <-f.changed:
			f.mu.Lock()
			p, gone := f.pod, f.gone
			f.mu.Unlock()
			if !see(p) {
				return nil
			}
			if gone {
				see(nil)
				return nil
			}
		}
	}
}
