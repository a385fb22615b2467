package record

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Journal records a run: each attempt before it starts, and its result. It implements engine.Journal. Concurrent changes are
// written together.
type Journal struct {
	store Store
	// running ends when the run is stopped.
	running context.Context //nolint:containedctx // the last writes have no context of their own
	// allowed is called before each side effect; nil means that all are allowed.
	allowed func(context.Context) error
	now     func() time.Time

	mu  sync.Mutex
	run *Stored
	// changes counts the changes of run, written those that are stored.
	changes, written int
	writing          bool
	wrote            *sync.Cond
	// lost is the reason why nothing can be written any more.
	lost  error
	tails map[string]*tail
}

// Begin records a new run and returns its journal. allowed is called before each side effect, and may be nil. When the record
// cannot be created, the error is that of the server, and nothing has happened. ctx is that of the run: after it ends, each
// write waits 10 seconds at most for the server.
func Begin(ctx context.Context, runs Store, run Run, allowed func(context.Context) error) (*Journal, error) {
	return begin(ctx, runs, &Stored{Run: run, logs: map[string][]byte{}}, allowed)
}

// Resume makes this process the owner of a recorded run and returns its journal. The records of steps that the run no longer
// has are dropped.
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
	j := &Journal{store: runs, running: ctx, allowed: allowed, now: time.Now, run: run, tails: map[string]*tail{}}
	j.wrote = sync.NewCond(&j.mu)
	run.Processes++
	ctx, cancel := context.WithTimeout(ctx, beginTimeout)
	defer cancel()
	if err := j.putAgain(ctx, run); err != nil {
		return nil, err
	}
	return j, nil
}

// ID returns the ID of the run.
func (j *Journal) ID() string { return j.run.ID }

// Before records that an attempt is about to start. It returns when ctx ends.
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

// Created records the objects that an attempt created or runs in.
func (j *Journal) Created(step string, objects ...task.Object) error {
	return j.write(context.Background(), func(r *Stored) {
		if s := r.step(step); s != nil {
			s.Created = append(s.Created, objects...)
		}
	})
}

// ScaledUp records that a workload is about to be scaled from zero to replicas.
func (j *Journal) ScaledUp(target, uid string, replicas int64) error {
	return j.write(context.Background(), func(r *Stored) { r.ScaledUp = append(r.ScaledUp, ScaledUp{target, uid, replicas}) })
}

// ScaledDown records that a workload is scaled to zero again, or was never scaled up.
func (j *Journal) ScaledDown(target string) error {
	return j.write(context.Background(), func(r *Stored) {
		r.ScaledUp = slices.DeleteFunc(slices.Clone(r.ScaledUp), func(w ScaledUp) bool { return w.Target == target })
	})
}

// Retried records the result of an attempt that another one follows.
func (j *Journal) Retried(a engine.Attempt, result task.Result) error {
	return j.write(context.Background(), func(r *Stored) { j.stepEnded(r, engine.StepResult{Result: result, Step: a.Step}) })
}

// After records the result of a step.
func (j *Journal) After(result engine.StepResult) error {
	return j.write(context.Background(), func(r *Stored) { j.stepEnded(r, result) })
}

// End records the result of the run.
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

// Emit collects the output of steps for their logs. It takes the engine's events.
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

// Unfinished returns the started steps without a result that have created objects.
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

// stepEnded records the result of a step; j.mu is held.
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

// ensure returns the record of a step, which it adds when there is none.
func (s *Stored) ensure(step plan.Step) *Step {
	known := s.step(step.ID)
	if known == nil {
		s.Steps = append(s.Steps, Step{ID: step.ID, Kind: string(step.Kind), Phase: step.Phase})
		known = &s.Steps[len(s.Steps)-1]
	}
	return known
}
