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

// session is the lock and the record of a run. Its parts are nil if the run is not recorded.
type session struct {
	opening

	config *Config
	locks  *lockSet
	resume *Resumption

	runs    record.Store
	lock    *lock.Lock
	journal *record.Journal
	cancel  context.CancelCauseFunc
	// forget removes the function that OnAbandon registered; nil if none was.
	forget func()
	// pruning deletes older records in parallel with the end of this run.
	pruning sync.WaitGroup
}

// opening has the facts with which a session is opened.
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
	// createNamespace creates the namespace if it does not exist.
	createNamespace bool
	// stale reports whether the release has changed since it was planned; nil if it cannot have.
	stale func() (bool, error)
}

// errStale means that another process has changed the release since the plan was made.
var errStale = errors.New("the release has changed since the plan was made")

// open takes the lock of the release and records the run. The context that it returns ends when another process asks the
// run to stop, or when the lock is lost. The error is errStale if the plan must be made again. After an error, nothing has
// been changed.
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
			s.config.Log(shown("note: the run is not recorded, and history, logs and resume do not include it: %v", err) + "\nhint: --record=local keeps the record on this machine")
			s.opening, s.runs, s.lock, s.journal = opening{record: RecordOptions{Place: RecordNone}}, nil, nil, nil
			return s.open(ctx)
		case forbidden:
			err = fmt.Errorf("the run cannot be recorded: %w\nhint: --record=local keeps the record on this machine, --record=none records nothing", err)
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

// begin takes the lock and creates the record.
func (s *session) begin(ctx context.Context) error {
	namespace, name := s.plan.Release.Namespace, lock.Name(s.plan.Release.Name, s.id)
	var err error
	if s.createNamespace {
		if err := s.client.EnsureNamespace(ctx, namespace); err != nil {
			return err
		}
	}
	// No other run can have the lock of a run without a release. Its record is created first: a process that is killed
	// between the two leaves a record, which can be resumed, and not an unknown lock.
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

// abandoned logs runs of the release that died, and returns an error if a pod or Job of one still runs, so that two runs do
// not work at the same time. If a record cannot be read, the pods and Jobs of its run are found by their label.
func (s *session) abandoned(ctx context.Context) error {
	if s.plan.Release.Name == "" {
		return nil
	}
	all, unreadable, err := record.List(ctx, s.runs, s.plan.Release.Name)
	if apierrors.IsForbidden(err) {
		return nil // the user may not list records
	}
	if err != nil {
		return fmt.Errorf("cannot check what earlier runs have left: %w", err)
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
					return RefusedError{Message: fmt.Sprintf("run %[1]s of %[2]s died, and its task %[3]q still runs: %[4]s\nhint: '%[5]s resume %[1]s' resumes it, '%[5]s cancel %[1]s' stops it", run.ID, run.Owner, step.ID, runner.ObjectNames(step.Created), s.config.Name)}
				}
			}
		}
		s.config.note(fmt.Sprintf("run %[1]s of %[2]s died; '%[3]s resume %[1]s' resumes it, '%[3]s cancel %[1]s' records it as cancelled", run.ID, run.Owner, s.config.Name))
	}
	for _, u := range unreadable {
		if u.ID == s.id {
			continue
		}
		alive, err := s.client.RunningOf(ctx, s.plan.Release.Namespace, u.ID)
		if err != nil && !apierrors.IsForbidden(err) {
			return fmt.Errorf("%w\ncannot check whether the run still has pods or Jobs: %w", u.Err, err)
		}
		if len(alive) > 0 {
			return RefusedError{Message: fmt.Sprintf("%v\nrun %s may have died, and it still has %s\nhint: delete the objects that should no longer run", u.Err, u.ID, runner.ObjectNames(alive))}
		}
		s.config.note(u.Err.Error())
	}
	return nil
}

// watch cancels the run when the lock is lost, or when another process asks for it.
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

// cancelledBy is the cause of the cancellation of a run that another process stopped.
type cancelledBy struct{ who string }

func (c cancelledBy) Error() string { return "cancelled by " + c.who }

// engine returns the engine with the journals of the session and of the ledger.
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

// emit returns a function that shows events, and records the output of steps.
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

// end records the result of the run.
func (s *session) end(result engine.Result, revision, exitCode int, rolledBack bool) {
	if s.journal != nil {
		s.prune()
		if err := s.journal.End(result, revision, exitCode, rolledBack); err != nil {
			s.config.note(fmt.Sprintf("the result of the run is not recorded: %v", err))
		}
	}
}

// hints returns messages for a run that did not succeed: the commands that resume it and show its output.
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
			shown("run %[1]s is recorded; '%[2]s logs %[1]s' prints the output of its tasks", s.id, s.config.Name),
			shown("%s", s.config.Decide(s.id, unknown)),
		}
	}
	return []string{shown("run %[1]s is recorded: '%[2]s resume %[1]s' resumes it, '%[2]s logs %[1]s' prints the output of its tasks", s.id, s.config.Name)}
}

// reportLeftovers logs the objects that a run leaves behind on an immediate exit.
func (s *session) reportLeftovers() {
	if s.journal == nil {
		return
	}
	for _, step := range s.journal.Unfinished() {
		s.config.say("not deleted: %s of %q", runner.ObjectNames(step.Created), step.ID)
	}
	s.config.say("run %[1]s is recorded: '%[2]s resume %[1]s' resumes it, '%[2]s cancel %[1]s' deletes the pods and Jobs that it left", s.id, s.config.Name)
}

// close releases the locks.
func (s *session) close() {
	if s.forget != nil {
		s.forget()
	}
	s.locks.release()
	s.pruning.Wait()
	s.cancel(nil)
}

// prune deletes the oldest records of the release, in parallel with the other work at the end of the run.
func (s *session) prune() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	locks := s.config.locksIn(s.client, s.plan.Release.Namespace)
	s.pruning.Go(func() {
		defer cancel()
		// A user without the right to list records keeps too many of them.
		_ = record.Prune(ctx, s.runs, locks, s.plan.Release.Name, s.keep)
	})
}
