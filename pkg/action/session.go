package action

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// session is what keeps a run apart from others, and what makes it known to them. Its parts are nil when
// the run is not recorded.
type session struct {
	opening

	config *Config
	locks  *lockSet
	resume *Resumption

	runs    record.Store
	lock    *lock.Lock
	journal *record.Journal
	cancel  context.CancelCauseFunc
	// forget takes back what OnAbandon was given; nil when nothing was.
	forget func()
	// pruning is the work on older records, beside the end of this one.
	pruning sync.WaitGroup
}

// opening is what a session is opened for.
type opening struct {
	record    RecordOptions
	client    *kube.Client
	plan      plan.Plan
	id        string
	revision  int
	target    int
	inputs    map[string]string
	documents []record.Document
	// keep is how many records of the release are kept.
	keep int
	// createNamespace makes the namespace when there is none.
	createNamespace bool
	// stale reports whether what the plan was made from has changed; nil when nothing can have.
	stale func() (bool, error)
}

// errStale means that somebody else was at work on the release since the plan was made.
var errStale = errors.New("the release has changed meanwhile")

// open keeps others of the release away and records the run. The context it returns ends when somebody
// asks the run to stop, or when the lock is lost. The error is errStale when the plan has to be made
// anew; nothing has been touched when it fails.
func (s *session) open(ctx context.Context) (context.Context, error) {
	running, cancel := context.WithCancelCause(ctx)
	s.cancel = cancel
	if s.record.Place == RecordNone {
		return running, nil
	}
	if err := s.begin(running); err != nil {
		s.cancel(nil)
		forbidden := apierrors.IsForbidden(err) && !apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
		switch {
		case forbidden && s.record.Place == RecordAuto && s.resume == nil:
			s.config.Log(shown("note: the run is not recorded, so that history, logs and resume do not know of it: %v", err) + "\nhint: --record=local keeps the record on this machine")
			s.opening, s.runs, s.lock, s.journal = opening{record: RecordOptions{Place: RecordNone}}, nil, nil, nil
			return s.open(ctx)
		case forbidden:
			err = fmt.Errorf("the run cannot be recorded: %w\nhint: --record=local keeps the record on this machine, --record=none keeps none", err)
		case errors.Is(err, errStale), isLocked(err):
			return nil, err
		}
		return nil, preflight(ctx, err)
	}
	if s.resume != nil {
		s.resume.removeFinished(ctx, s.config, s.client)
	}
	s.watch(running)
	if s.config.OnAbandon != nil {
		s.forget = s.config.OnAbandon(s.reportLeftovers)
	}
	return running, nil
}

// begin takes the lock and makes the record.
func (s *session) begin(ctx context.Context) error {
	namespace, name := s.plan.Release.Namespace, lock.Name(s.plan.Release.Name, s.id)
	var err error
	if s.createNamespace {
		if err := s.client.EnsureNamespace(ctx, namespace); err != nil {
			return err
		}
	}
	// Of a run without a release nobody else has the lock. Its record comes first: what is killed between the two
	// leaves a record, which can be gone on with, and not a lock of which nobody knows.
	alone := s.plan.Release.Name == "" && s.resume == nil
	if s.lock = s.locks.held[name]; s.lock == nil && !alone {
		if s.lock, err = s.locks.acquire(ctx, s.record.LockWait, s.client, namespace, name, s.id); err != nil {
			return err
		}
		if s.stale != nil {
			stale, err := s.stale()
			if err != nil || stale || s.lock.Waited {
				return errors.Join(err, errStale)
			}
		}
	}
	if s.runs, err = s.config.runsIn(s.record.Place, s.client, namespace); err != nil {
		return err
	}
	if err := s.abandoned(ctx); err != nil {
		return err
	}
	steps, owner := record.NewSteps(s.plan, digestOf), s.config.owner()
	if s.resume != nil {
		run := s.resume.Run.Clone()
		run.Inputs, run.Revision, run.Documents = s.inputs, s.revision, s.documents
		s.journal, err = record.Resume(ctx, s.runs, run, steps, owner, s.lock.Check)
		return err
	}
	directory, err := s.config.Directory()
	if err != nil {
		return err
	}
	s.journal, err = record.Begin(ctx, s.runs, record.Run{
		ID: s.id, Operation: s.plan.Operation, Release: s.plan.Release.Name, Namespace: namespace, Revision: s.revision, Target: s.target,
		Command: s.record.command(), Directory: directory, Owner: owner, Start: s.config.Now().UTC(), Inputs: s.inputs, Documents: s.documents, Steps: steps,
	}, s.check)
	if err != nil || s.lock != nil {
		return err
	}
	if s.lock, err = s.locks.acquire(ctx, s.record.LockWait, s.client, namespace, name, s.id); err != nil {
		return errors.Join(err, s.runs.Delete(context.WithoutCancel(ctx), s.id))
	}
	return nil
}

// check returns an error when the lock is lost; one that is not taken yet is not.
func (s *session) check(ctx context.Context) error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Check(ctx)
}

// abandoned tells of runs of the release that died, and refuses when a pod or Job of one still runs: two would be
// at work at the same time. Of a run whose record cannot be read, its pods and Jobs are found by their label.
func (s *session) abandoned(ctx context.Context) error {
	if s.plan.Release.Name == "" {
		return nil
	}
	all, unreadable, err := record.List(ctx, s.runs, s.plan.Release.Name)
	if apierrors.IsForbidden(err) {
		return nil // who may not list them cannot be told of them
	}
	if err != nil {
		return fmt.Errorf("whether earlier runs have left anything is not known: %w", err)
	}
	for _, run := range all {
		if run.Finished() || run.ID == s.id {
			continue
		}
		for _, step := range run.Steps {
			if step.State != "" {
				continue
			}
			for _, made := range step.Created {
				if s.client.Running(ctx, run.ID, made) {
					return RefusedError{fmt.Sprintf("run %[1]s of %[2]s died, and its task %[3]q still runs: %[4]s\nhint: '%[5]s resume %[1]s' goes on with it, '%[5]s cancel %[1]s' stops it", run.ID, run.Owner, step.ID, runner.ObjectNames(step.Created), s.config.Name)}
				}
			}
		}
		s.config.note(fmt.Sprintf("run %[1]s of %[2]s ended without a word; '%[3]s resume %[1]s' goes on with it, '%[3]s cancel %[1]s' forgets it", run.ID, run.Owner, s.config.Name))
	}
	for _, u := range unreadable {
		if u.ID == s.id {
			continue
		}
		alive, err := s.client.RunningOf(ctx, s.plan.Release.Namespace, u.ID)
		if err != nil && !apierrors.IsForbidden(err) {
			return fmt.Errorf("%w\nwhether it still runs is not known: %w", u.Err, err)
		}
		if len(alive) > 0 {
			return RefusedError{fmt.Sprintf("%v\nrun %s may have died, and it still has %s\nhint: delete what should not run any more", u.Err, u.ID, runner.ObjectNames(alive))}
		}
		s.config.note(u.Err.Error())
	}
	return nil
}

// watch ends the run when the lock is lost, or when somebody asks for it.
func (s *session) watch(ctx context.Context) {
	go func() {
		select {
		case <-ctx.Done():
		case <-s.lock.Lost():
			s.locks.lost.Store(true)
			s.cancel(lock.ErrLost)
		case by := <-s.lock.Cancelled():
			s.cancel(cancelledBy{by})
		}
	}()
}

// cancelledBy is the cause of a run that somebody else stopped.
type cancelledBy struct{ who string }

func (c cancelledBy) Error() string { return "cancelled by " + c.who }

// engine returns the engine with the journals of the session, and of what later runs must know.
func (s *session) engine(e engine.Engine, ledger engine.Journal) engine.Engine {
	switch {
	case s.journal == nil:
		e.Journal = ledger
	case ledger == nil:
		e.Journal = s.journal
	default:
		e.Journal = engine.Tee{s.journal, ledger}
	}
	return e
}

// emit returns what shows events, and keeps what steps print.
func (s *session) emit(show func(engine.Event)) func(engine.Event) {
	switch {
	case s.journal == nil:
		return show
	case show == nil:
		return s.journal.Emit
	}
	return func(e engine.Event) {
		s.journal.Emit(e)
		show(e)
	}
}

// end writes how the run ended.
func (s *session) end(result engine.Result, revision, exitCode int, rolledBack bool) {
	if s.journal != nil {
		s.prune()
		if err := s.journal.End(result, revision, exitCode, rolledBack); err != nil {
			s.config.note(fmt.Sprintf("how the run ended is not recorded: %v", err))
		}
	}
}

// hints returns messages that say, after a run that did not succeed, what can be done with its record.
func (s *session) hints(end error, result engine.Result) []string {
	if s.journal == nil || end == nil || slices.Contains([]int{ExitRolledBack, ExitLocked}, ExitCode(end)) {
		return nil
	}
	var unknown []string
	for _, step := range result.Steps {
		if step.State == task.Unknown && step.Step.Task != nil && !step.Step.Task.Idempotent {
			unknown = append(unknown, step.Step.ID)
		}
	}
	if len(unknown) > 0 {
		return []string{
			shown("run %[1]s is recorded; '%[2]s logs %[1]s' shows what its tasks printed", s.id, s.config.Name),
			shown("%s", s.config.Decide(s.id, unknown)),
		}
	}
	return []string{shown("run %[1]s is recorded: '%[2]s resume %[1]s' goes on with it, '%[2]s logs %[1]s' shows what its tasks printed", s.id, s.config.Name)}
}

// reportLeftovers says what a run that is left at once leaves behind.
func (s *session) reportLeftovers() {
	if s.journal == nil {
		return
	}
	for _, step := range s.journal.Unfinished() {
		s.config.say("still there: %s of %q", runner.ObjectNames(step.Created), step.ID)
	}
	s.config.say("run %[1]s is recorded: '%[2]s resume %[1]s' goes on with it, '%[2]s cancel %[1]s' removes what it has left", s.id, s.config.Name)
}

// close lets others go on.
func (s *session) close() {
	if s.forget != nil {
		s.forget()
	}
	s.locks.release()
	s.pruning.Wait()
	s.cancel(nil)
}

// prune deletes the oldest records of the release, beside what else is done at the end.
func (s *session) prune() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	locks := s.config.locksIn(s.client, s.plan.Release.Namespace)
	s.pruning.Go(func() {
		defer cancel()
		// Who may not list has a few records too many.
		_ = record.Prune(ctx, s.runs, locks, s.plan.Release.Name, s.keep)
	})
}
