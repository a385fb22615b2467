package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/failpoint"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/retry"
)

const (
	// writeTimeout is how long a write is repeated while the server is unreachable.
	writeTimeout = 2 * time.Minute
	// stopTimeout is how much of writeTimeout is left after the run was stopped: the user waits for it.
	stopTimeout = 10 * time.Second
	// beginTimeout is how long Begin and Resume try to write the record.
	beginTimeout = 20 * time.Second
)

// write changes the run and returns when the change is stored, or when ctx ends.
func (j *Journal) write(ctx context.Context, change func(*Stored)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	wake := context.AfterFunc(ctx, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.wrote.Broadcast()
	})
	defer wake()
	change(j.run)
	j.changes++
	for mine := j.changes; j.written < mine; {
		switch {
		case j.lost != nil:
			return j.lost
		case ctx.Err() != nil:
			return fmt.Errorf("the record of run %s: %w", j.run.ID, context.Cause(ctx))
		case j.writing:
			j.wrote.Wait()
			continue
		}
		if err := j.put(ctx); err != nil {
			return err
		}
	}
	return nil
}

// limited returns a context that ends after writeTimeout, or stopTimeout after the run was stopped.
func (j *Journal) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	stop := context.AfterFunc(j.running, func() { time.AfterFunc(stopTimeout, cancel) })
	return ctx, func() { stop(); cancel() }
}

// put stores the current run; j.mu is held, except during the requests.
func (j *Journal) put(ctx context.Context) error {
	j.writing = true
	state, has := j.run.Clone(), j.changes
	j.mu.Unlock()
	ctx, cancel := j.limited(ctx)
	err := j.putAgain(ctx, state)
	cancel()
	j.mu.Lock()
	j.writing = false
	j.run.version = state.version
	if err == nil {
		j.written = has
	} else if errors.Is(err, ErrTakenOver) {
		j.lost = err
	}
	j.wrote.Broadcast()
	if err != nil {
		return fmt.Errorf("the record of run %s: %w", state.ID, err)
	}
	return nil
}

// putAgain writes until the server has answered. After a lost answer the next write is a conflict with this process's own
// write. A conflict with another owner is an error.
func (j *Journal) putAgain(ctx context.Context, state *Stored) error {
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		failpoint.Point("before the record is written")
		err := j.store.Put(ctx, state)
		failpoint.Point("after the record is written")
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errConflict):
			live, other := j.store.Get(ctx, state.ID)
			switch {
			case other == nil && (live.Owner != state.Owner || live.Processes != state.Processes), errors.Is(other, ErrNoRun):
				return ErrTakenOver
			case other == nil:
				state.version = live.version
				continue
			}
			err = other
		}
		if retry.Refused(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}
