package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/failpoint"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/retry"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

const (
	// writeTimeout is how long a write that cannot reach the server is tried again.
	writeTimeout = 2 * time.Minute
	// stopTimeout is what is left of that when the run has been stopped: who has stopped it waits.
	stopTimeout = 10 * time.Second
	// beginTimeout is how long Begin and Resume try to write the record.
	beginTimeout = 20 * time.Second
)

// Journal writes what a run does into its record, before each attempt and after it. It implements
// engine.Journal. Changes that come at the same time are written together.
type Journal struct {
	runs Store
	// running ends when the run is stopped.
	running context.Context //nolint:containedctx // what is written at the end has no context of its own
	// allowed is asked before each side effect; nil means that nothing forbids it.
	allowed func(context.Context) error
	now     func() time.Time

	mu  sync.Mutex
	run *Stored
	// changes counts the changes of run, written those that are in the record.
	changes, written int
	writing          bool
	wrote            *sync.Cond
	// lost is why nothing can be written any more.
	lost  error
	tails map[string]*tail
}

// Begin records a new run and returns its journal. allowed is asked before each side effect, and may be
// nil. The error is the server's when the record cannot be made: nothing has happened then. ctx is that of the run:
// when it ends, the server is waited for 10 seconds at most, whatever is written.
func Begin(ctx context.Context, runs Store, run Run, allowed func(context.Context) error) (*Journal, error) {
	return begin(ctx, runs, &Stored{Run: run, logs: map[string][]byte{}}, allowed)
}

// Resume makes this process the owner of a recorded run and returns its journal. What is recorded of
// steps that the run no longer has is dropped.
func Resume(ctx context.Context, runs Store, run *Stored, steps []Step, owner lock.Owner, allowed func(context.Context) error) (*Journal, error) {
	old := run.Run
	run.Steps = nil
	for _, s := range steps {
		if known := old.step(s.ID); known != nil {
			known.Digest, s = s.Digest, *known
		}
		run.Steps = append(run.Steps, s)
	}
	run.Owner, run.Status, run.End, run.ExitCode = owner, "", nil, 0
	return begin(ctx, runs, run, allowed)
}

func begin(ctx context.Context, runs Store, run *Stored, allowed func(context.Context) error) (*Journal, error) {
	j := &Journal{runs: runs, running: ctx, allowed: allowed, now: time.Now, run: run, tails: map[string]*tail{}}
	j.wrote = sync.NewCond(&j.mu)
	run.Processes++
	ctx, cancel := context.WithTimeout(ctx, beginTimeout)
	defer cancel()
	if err := j.putAgain(ctx, run); err != nil {
		return nil, err
	}
	return j, nil
}

// NewSteps returns what is recorded of a plan's steps before they have begun.
func NewSteps(p plan.Plan, digest func(plan.Step) string) []Step {
	steps := make([]Step, 0, len(p.Steps))
	for _, s := range p.Steps {
		recorded := Step{ID: s.ID, Kind: string(s.Kind), Phase: s.Phase, Digest: digest(s)}
		if s.Task != nil {
			recorded.Executor, recorded.Source = s.Task.Executor.Kind(), s.Task.Source.Name
		}
		steps = append(steps, recorded)
	}
	return steps
}

// Before writes that an attempt is about to start. It gives up when ctx ends.
func (j *Journal) Before(ctx context.Context, a engine.Attempt) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if j.allowed != nil {
		limited, cancel := j.limited(ctx)
		defer cancel()
		if err := j.allowed(limited); err != nil {
			return err
		}
	}
	return j.write(ctx, func(r *Stored) {
		s := r.ensure(a.Step)
		began := j.now().UTC()
		if s.Start == nil || s.State != "" {
			s.Start = &began
		}
		s.Attempt, s.Created, s.State, s.End, s.ExitCode, s.Reason, s.Message, s.Targets, s.Outputs = a.Number, nil, "", nil, nil, "", "", nil, nil
		delete(r.logs, s.ID)
	})
}

// Created writes what an attempt has made, or where it runs.
func (j *Journal) Created(step string, objects ...task.Object) error {
	return j.write(context.Background(), func(r *Stored) {
		if s := r.step(step); s != nil {
			s.Created = append(s.Created, objects...)
		}
	})
}

// ScaledUp writes that a workload is about to be scaled from zero to so many pods.
func (j *Journal) ScaledUp(target, uid string, replicas int64) error {
	return j.write(context.Background(), func(r *Stored) { r.ScaledUp = append(r.ScaledUp, ScaledUp{target, uid, replicas}) })
}

// ScaledDown writes that a workload is back, or was never scaled.
func (j *Journal) ScaledDown(target string) error {
	return j.write(context.Background(), func(r *Stored) {
		r.ScaledUp = slices.DeleteFunc(slices.Clone(r.ScaledUp), func(w ScaledUp) bool { return w.Target == target })
	})
}

// Retried writes how an attempt ended that is going to be followed by another.
func (j *Journal) Retried(a engine.Attempt, result task.Result) error {
	return j.write(context.Background(), func(r *Stored) { j.stepEnded(r, engine.StepResult{Result: result, Step: a.Step}) })
}

// After writes how a step ended.
func (j *Journal) After(result engine.StepResult) error {
	return j.write(context.Background(), func(r *Stored) { j.stepEnded(r, result) })
}

// End writes how the run ended.
func (j *Journal) End(result engine.Result, revision, exitCode int, rolledBack bool) error {
	return j.write(context.Background(), func(r *Stored) {
		end := result.End.UTC()
		r.End, r.Status, r.ExitCode, r.RolledBack = &end, result.State(), exitCode, rolledBack
		if revision > 0 {
			r.Revision = revision
		}
		for _, s := range result.Steps {
			if !s.Prior {
				j.stepEnded(r, s)
			}
		}
	})
}

// Emit keeps what steps print, for their logs; it takes the engine's events.
func (j *Journal) Emit(e engine.Event) {
	output, ok := e.(engine.StepOutput)
	if !ok {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	t := j.tails[output.Step.ID]
	if t == nil {
		t = &tail{}
		j.tails[output.Step.ID] = t
	}
	if target := output.Output.Target; target != "" {
		t.write([]byte(target + ": "))
	}
	t.write(output.Output.Data)
	if !bytes.HasSuffix(output.Output.Data, []byte("\n")) {
		t.write([]byte("\n"))
	}
}

// Unfinished returns the steps that have begun and not ended, with what they have made.
func (j *Journal) Unfinished() []Step {
	j.mu.Lock()
	defer j.mu.Unlock()
	var open []Step
	for _, s := range j.run.Steps {
		if s.Attempt > 0 && s.State == "" && len(s.Created) > 0 {
			open = append(open, s)
		}
	}
	return open
}

// stepEnded notes how a step ended; j.mu is held.
func (j *Journal) stepEnded(r *Stored, result engine.StepResult) {
	s := r.ensure(result.Step)
	end := j.now().UTC()
	s.State, s.ExitCode, s.Reason, s.Message, s.Targets = result.State, result.ExitCode, result.Reason, result.Message, result.Targets
	if s.End == nil && s.Start != nil {
		s.End = &end
	}
	s.Outputs = nil
	for name, output := range result.Outputs {
		if s.Outputs == nil {
			s.Outputs = map[string]Output{}
		}
		kept := Output{Value: output.Value, Secret: output.Secret}
		if kept.Secret {
			kept.Value = nil
		}
		s.Outputs[name] = kept
	}
	if t := j.tails[s.ID]; t != nil {
		r.logs[s.ID] = pack(t.text())
	}
}

// ensure returns what is recorded of a step.
func (s *Stored) ensure(step plan.Step) *Step {
	known := s.step(step.ID)
	if known == nil {
		s.Steps = append(s.Steps, Step{ID: step.ID, Kind: string(step.Kind), Phase: step.Phase})
		known = &s.Steps[len(s.Steps)-1]
	}
	return known
}

// write changes the run and returns when the record has the change. It gives up when ctx ends.
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

// limited returns a context for what may take as long as the server is borne with.
func (j *Journal) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	stop := context.AfterFunc(j.running, func() { time.AfterFunc(stopTimeout, cancel) })
	return ctx, func() { stop(); cancel() }
}

// put writes the run as it is now; j.mu is held, but not while the server is asked.
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

// putAgain writes until the server has answered. An answer that was lost on its way is a conflict with
// ourselves; only another owner is one.
func (j *Journal) putAgain(ctx context.Context, state *Stored) error {
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		failpoint.Point("before the record is written")
		err := j.runs.Put(ctx, state)
		failpoint.Point("after the record is written")
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errConflict):
			live, other := j.runs.Get(ctx, state.ID)
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

// Clone returns a copy that does not change with the original.
func (s *Stored) Clone() *Stored {
	c := *s
	c.Steps = slices.Clone(s.Steps)
	c.logs = maps.Clone(s.logs)
	return &c
}

// ID is that of the run.
func (j *Journal) ID() string { return j.run.ID }
