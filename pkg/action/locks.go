package action

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
)

// releaseTimeout limits the requests that release locks and prune records at the end of a run.
const releaseTimeout = 10 * time.Second

// lockSet is the locks that an action holds. An action takes a lock once, although it may prepare its run several times.
type lockSet struct {
	config *Config
	held   map[string]*lock.Lock
	// lost reports that another process has taken a lock of this action.
	lost atomic.Bool
}

// locksIn returns the locks of a namespace.
func (c *Config) locksIn(client *kube.Client, namespace string) lock.Locks {
	return lock.Locks{Client: client.Interface, Namespace: namespace, Log: func(text string) { c.say("%s", text) }}
}

// acquire takes a lock for a run, and waits for it for at most wait.
func (s *lockSet) acquire(ctx context.Context, wait time.Duration, client *kube.Client, namespace, name, run string) (*lock.Lock, error) {
	taken, err := s.config.locksIn(client, namespace).Acquire(ctx, name, lock.Holder{Owner: s.config.owner(), Run: run}, wait)
	if err != nil {
		return nil, err
	}
	if s.held == nil {
		s.held = map[string]*lock.Lock{}
	}
	s.held[name] = taken
	return taken, nil
}

// release releases all locks.
func (s *lockSet) release() {
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	for name, held := range s.held {
		if err := held.Release(ctx); err != nil {
			s.config.note(fmt.Sprintf("the lock %s could not be released, and will expire: %v", name, err))
		}
	}
	s.held = nil
}
