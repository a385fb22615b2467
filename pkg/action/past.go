package action

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Past is the recorded runs of a namespace.
type Past struct {
	Runs  record.Store
	Locks lock.Locks

	config *Config
	client *kube.Client
}

// Past returns the recorded runs of the connection's namespace; place is RecordCluster or RecordLocal.
func (c *Config) Past(connection *Connection, place record.Place) (*Past, error) {
	namespace, err := connection.Namespace()
	if err != nil {
		return nil, err
	}
	client := connection.Client()
	runs, err := c.runsIn(place, client, namespace)
	return &Past{Runs: runs, Locks: c.locksIn(client, namespace), config: c, client: client}, err
}

// The states of runs that have not ended.
const (
	Running task.State = "Running"
	Died    task.State = "Died"
)

// refresh is the interval at which a run is read again without a watch event.
const refresh = 15 * time.Second

// Entry is a recorded run with its state: that in which it ended, Running or Died.
type Entry struct {
	Run   *record.Run
	State task.State
}

// List returns the runs of a release, the oldest first; of all releases when name is empty. Records that cannot be read
// are logged. reduce, unless nil, reduces each run after it is read, so that many runs need little memory.
func (p *Past) List(ctx context.Context, name string, reduce func(*record.Run)) ([]Entry, error) {
	var entries []Entry
	unreadable, err := p.Runs.Each(ctx, name, func(run *record.Run) {
		if reduce != nil {
			reduce(run)
		}
		entries = append(entries, Entry{run, run.Status})
	})
	if err != nil {
		return nil, preflight(ctx, err)
	}
	p.noteUnreadable(unreadable)
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(a.Run.Start.Compare(b.Run.Start), cmp.Compare(a.Run.ID, b.Run.ID))
	})
	// In parallel, because a lock may be watched for its whole duration.
	var (
		group  sync.WaitGroup
		failed = make([]error, len(entries))
	)
	for i := range entries {
		e := &entries[i]
		if e.Run.Finished() {
			continue
		}
		group.Go(func() {
			e.State, failed[i] = p.State(ctx, e.Run)
			if errors.Is(failed[i], record.ErrNoRun) { // it was deleted meanwhile
				failed[i] = nil
			} else if reduce != nil {
				reduce(e.Run)
			}
		})
	}
	group.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, preflight(ctx, err)
	}
	return slices.DeleteFunc(entries, func(e Entry) bool { return e.State == "" }), nil
}

// State returns the state in which a run ended or, when it has not ended, Running or Died; see liveness.
func (p *Past) State(ctx context.Context, run *record.Run) (task.State, error) {
	state, _, err := p.liveness(ctx, run)
	return state, err
}

// liveness is State, and returns the lock of a run that is Running, or that the process of the run left when it died. A
// run is Running as long as its lock is renewed. A run without a lock has died, unless its end was recorded after run was
// read: the end is recorded before the lock is released. liveness then brings run up to date.
func (p *Past) liveness(ctx context.Context, run *record.Run) (task.State, *lock.Held, error) {
	if run.Finished() {
		return run.Status, nil, nil
	}
	held, err := p.Locks.Get(ctx, lock.Name(run.Release, run.ID))
	if err != nil {
		return "", nil, err
	}
	if held != nil && held.Run == run.ID {
		lives, err := p.Locks.Alive(ctx, held)
		if err != nil {
			return "", nil, err
		}
		if lives && held.Run == run.ID {
			return Running, held, nil
		}
	}
	now, err := p.Runs.Get(ctx, run.ID)
	if err != nil {
		return "", nil, err
	}
	if *run = now.Run; run.Finished() {
		return run.Status, nil, nil
	}
	if held != nil && held.Run != run.ID {
		held = nil
	}
	return Died, held, nil
}

// Follow calls show with the status of a run and, with watch, again after each change until the run has ended. Errors of
// show are returned as they are.
func (p *Past) Follow(ctx context.Context, run *record.Stored, watch bool, show func(Status) error) error {
	for {
		state, err := p.State(ctx, &run.Run)
		if err != nil {
			return preflight(ctx, err)
		}
		if err := show(p.status(run, state)); err != nil || !watch || state != Running {
			return err
		}
		if err = p.Runs.WaitChanged(ctx, run, refresh); err == nil {
			run, err = p.Runs.Get(ctx, run.ID)
		}
		if err != nil {
			return preflight(ctx, err)
		}
	}
}

// noteUnreadable logs records that cannot be read.
func (p *Past) noteUnreadable(unreadable []record.Unreadable) {
	for _, u := range unreadable {
		p.config.note(u.Err.Error())
	}
}
