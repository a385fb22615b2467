package plugin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spf13/pflag"
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

// The places where runs are recorded.
const (
	recordAuto    = "auto"
	recordCluster = "cluster"
	recordLocal   = "local"
	recordNone    = "none"
)

// recordFlags say where a run is recorded and how long it waits for others.
type recordFlags struct {
	place    string
	lockWait time.Duration
}

func (r *recordFlags) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&r.place, "record", recordAuto, "where the run is recorded, for history, logs and resume: cluster (a Secret of the namespace), local (this machine), none, or auto: cluster if that is allowed")
	fs.DurationVar(&r.lockWait, "lock-wait", 15*time.Minute, "how long to wait while another run of the same release goes on; exit code 8 after that")
}

func (r *recordFlags) validate() error {
	if !slices.Contains([]string{recordAuto, recordCluster, recordLocal, recordNone}, r.place) {
		return usageError{fmt.Errorf("--record is cluster, local, none or auto, not %q", r.place)}
	}
	if r.lockWait < 0 {
		return usageError{fmt.Errorf("--lock-wait must not be negative, as %s is", r.lockWait)}
	}
	return nil
}

// runs returns the place of the records in a namespace.
func runsIn(place string, client *kube.Client, namespace string) (record.Store, error) {
	if place != recordLocal {
		return record.ClusterStore{Client: client.Interface, Namespace: namespace}, nil
	}
	config, err := client.RESTConfig()
	if err != nil {
		return nil, err
	}
	dir, err := record.LocalDir(os.Getenv, config.Host)
	if err != nil {
		return nil, err
	}
	return record.LocalStore{Dir: dir, Namespace: namespace}, nil
}

// session is what keeps a run apart from others, and what makes it known to them. Its parts are nil when
// the run is not recorded.
type session struct {
	opening

	runs    record.Store
	lock    *lock.Lock
	journal *record.Journal
	cancel  context.CancelCauseFunc
	// pruning is the work on older records, beside the end of this one.
	pruning sync.WaitGroup
}

// opening is what a session is opened for.
type opening struct {
	flags     *recordFlags
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
func (a *App) open(ctx context.Context, o opening) (*session, context.Context, error) {
	s := &session{opening: o}
	running, cancel := context.WithCancelCause(ctx)
	s.cancel = cancel
	if o.flags.place == recordNone {
		return s, running, nil
	}
	if err := s.begin(running, a); err != nil {
		s.cancel(nil)
		forbidden := apierrors.IsForbidden(err) && !apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
		switch {
		case forbidden && o.flags.place == recordAuto && a.resuming == nil:
			fmt.Fprintln(a.ErrOut, shown("note: the run is not recorded, so that history, logs and resume do not know of it: %v", err)+"\nhint: --record=local keeps the record on this machine")
			return a.open(ctx, opening{flags: &recordFlags{place: recordNone}})
		case forbidden:
			err = fmt.Errorf("the run cannot be recorded: %w\nhint: --record=local keeps the record on this machine, --record=none keeps none", err)
		case errors.Is(err, errStale), isLocked(err):
			return nil, nil, err
		}
		return nil, nil, preflight(ctx, err)
	}
	if a.resuming != nil {
		a.resuming.tidy(ctx, a, o.client)
	}
	s.watch(running, a)
	a.current.Store(s)
	return s, running, nil
}

// begin takes the lock and makes the record.
func (s *session) begin(ctx context.Context, a *App) error {
	namespace, name := s.plan.Release.Namespace, lock.Name(s.plan.Release.Name, s.id)
	var err error
	if s.createNamespace {
		if err := s.client.EnsureNamespace(ctx, namespace); err != nil {
			return err
		}
	}
	// Of a run without a release nobody else has the lock. Its record comes first: what is killed between the two
	// leaves a record, which can be gone on with, and not a lock of which nobody knows.
	alone := s.plan.Release.Name == "" && a.resuming == nil
	if s.lock = a.locks[name]; s.lock == nil && !alone {
		if s.lock, err = a.acquire(ctx, s.flags, s.client, namespace, name, s.id); err != nil {
			return err
		}
		if s.stale != nil {
			stale, err := s.stale()
			if err != nil || stale || s.lock.Waited {
				return errors.Join(err, errStale)
			}
		}
	}
	if s.runs, err = runsIn(s.flags.place, s.client, namespace); err != nil {
		return err
	}
	if err := s.abandoned(ctx, a); err != nil {
		return err
	}
	steps, owner := record.NewSteps(s.plan, digestOf), lock.Self(os.Getenv)
	if a.resuming != nil {
		run := a.resuming.run.Clone()
		run.Inputs, run.Revision, run.Documents = s.inputs, s.revision, s.documents
		s.journal, err = record.Resume(ctx, s.runs, run, steps, owner, s.lock.Check)
		return err
	}
	directory, err := os.Getwd()
	if err != nil {
		return err
	}
	s.journal, err = record.Begin(ctx, s.runs, record.Run{
		ID: s.id, Operation: s.plan.Operation, Release: s.plan.Release.Name, Namespace: namespace, Revision: s.revision, Target: s.target,
		Command: a.commandLine(), Directory: directory, Owner: owner, Start: time.Now().UTC(), Inputs: s.inputs, Documents: s.documents, Steps: steps,
	}, s.check)
	if err != nil || s.lock != nil {
		return err
	}
	if s.lock, err = a.acquire(ctx, s.flags, s.client, namespace, name, s.id); err != nil {
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
func (s *session) abandoned(ctx context.Context, a *App) error {
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
					return refusedError{fmt.Sprintf("run %[1]s of %[2]s died, and its task %[3]q still runs: %[4]s\nhint: '%[5]s resume %[1]s' goes on with it, '%[5]s cancel %[1]s' stops it", run.ID, run.Owner, step.ID, runner.ObjectNames(step.Created), displayName())}
				}
			}
		}
		a.tell(fmt.Sprintf("run %[1]s of %[2]s ended without a word; '%[3]s resume %[1]s' goes on with it, '%[3]s cancel %[1]s' forgets it", run.ID, run.Owner, displayName()))
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
			return refusedError{fmt.Sprintf("%v\nrun %s may have died, and it still has %s\nhint: delete what should not run any more", u.Err, u.ID, runner.ObjectNames(alive))}
		}
		a.tell(u.Err.Error())
	}
	return nil
}

// acquire takes a lock for a run. It is given back by unlock.
func (a *App) acquire(ctx context.Context, flags *recordFlags, client *kube.Client, namespace, name, id string) (*lock.Lock, error) {
	taken, err := a.locksIn(client, namespace).Acquire(ctx, name, lock.Holder{Owner: lock.Self(os.Getenv), Run: id}, flags.lockWait)
	if err != nil {
		return nil, err
	}
	if a.locks == nil {
		a.locks = map[string]*lock.Lock{}
	}
	a.locks[name] = taken
	return taken, nil
}

// locksIn returns the locks of a namespace.
func (a *App) locksIn(client *kube.Client, namespace string) lock.Locks {
	return lock.Locks{Client: client.Interface, Namespace: namespace, Log: func(text string) { a.say("%s", text) }}
}

// unlock gives all locks back.
func (a *App) unlock() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for name, lock := range a.locks {
		if err := lock.Release(ctx); err != nil {
			a.tell(fmt.Sprintf("the lock %s could not be given back, and will run out: %v", name, err))
		}
	}
	a.locks = nil
}

// watch ends the run when the lock is lost, or when somebody asks for it.
func (s *session) watch(ctx context.Context, a *App) {
	go func() {
		select {
		case <-ctx.Done():
		case <-s.lock.Lost():
			a.taken.Store(true)
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
func (s *session) end(a *App, result engine.Result, revision, exitCode int, rolledBack bool) {
	if s.journal != nil {
		s.prune(a)
		if err := s.journal.End(result, revision, exitCode, rolledBack); err != nil {
			a.tell(fmt.Sprintf("how the run ended is not recorded: %v", err))
		}
	}
}

// hint says, after a run that did not succeed, what can be done with its record.
func (s *session) hint(a *App, end error, result engine.Result) {
	if s.journal == nil || end == nil || slices.Contains([]int{exitRolledBack, exitLocked}, ExitCode(end)) {
		return
	}
	var unknown []string
	for _, step := range result.Steps {
		if step.State == task.Unknown && step.Step.Task != nil && !step.Step.Task.Idempotent {
			unknown = append(unknown, step.Step.ID)
		}
	}
	if len(unknown) > 0 {
		a.say("run %[1]s is recorded; '%[2]s logs %[1]s' shows what its tasks printed", s.id, displayName())
		a.say("%s", decide(s.id, unknown))
		return
	}
	a.say("run %[1]s is recorded: '%[2]s resume %[1]s' goes on with it, '%[2]s logs %[1]s' shows what its tasks printed", s.id, displayName())
}

// leftovers says what a run that is left at once leaves behind.
func (s *session) leftovers(a *App) {
	if s.journal == nil {
		return
	}
	for _, step := range s.journal.Unfinished() {
		a.say("still there: %s of %q", runner.ObjectNames(step.Created), step.ID)
	}
	a.say("run %[1]s is recorded: '%[2]s resume %[1]s' goes on with it, '%[2]s cancel %[1]s' removes what it has left", s.id, displayName())
}

// close lets others go on.
func (s *session) close(a *App) {
	a.current.Store(nil)
	a.unlock()
	s.pruning.Wait()
	s.cancel(nil)
}

// prune deletes the oldest records of the release, beside what else is done at the end.
func (s *session) prune(a *App) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	locks := a.locksIn(s.client, s.plan.Release.Namespace)
	s.pruning.Go(func() {
		defer cancel()
		// Who may not list has a few records too many.
		_ = record.Prune(ctx, s.runs, locks, s.plan.Release.Name, s.keep)
	})
}

// forget removes what is kept of the release: what its tasks have done, and the records of its runs.
func (a *App) forget(ctx context.Context, o *operation) {
	ctx = context.WithoutCancel(ctx)
	var both sync.WaitGroup
	var errs [2]error
	both.Go(func() { errs[0] = o.past.store.Delete(ctx) })
	both.Go(func() {
		runs, err := runsIn(o.flags.record.place, o.past.client, o.plan.Release.Namespace)
		if err == nil {
			err = record.DeleteAll(ctx, runs, o.plan.Release.Name)
		}
		if !apierrors.IsForbidden(err) { // who may not list them has not made them
			errs[1] = err
		}
	})
	both.Wait()
	for _, err := range errs {
		if err != nil {
			a.tell(err.Error())
		}
	}
}

// digestOf sums up what a step does.
func digestOf(s plan.Step) string {
	about := []any{s.Kind, s.Object, s.Undoes}
	if s.Task != nil {
		about = append(about, s.Task.Executor.Kind(), s.Task.Executor.Text(), s.Task.Policy, s.Task.Once)
	}
	text, err := json.Marshal(about)
	if err != nil {
		text = []byte(err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// inputsOf are the digests of the documents that tasks were read from, beside others.
func inputsOf(set taskSet, others map[string]string) map[string]string {
	inputs := maps.Clone(others)
	if inputs == nil {
		inputs = map[string]string{}
	}
	for _, d := range set.documents {
		sum := sha256.Sum256(d.Text)
		inputs[d.Name] = hex.EncodeToString(sum[:8])
	}
	return inputs
}

// connects are the flags that choose the cluster, or who asks: whoever resumes a run chooses these anew.
var connects = []string{
	"namespace", "context", "cluster", "user", "kubeconfig", "server", "token", "as", "as-group", "as-uid", "as-user-extra",
	"certificate-authority", "client-certificate", "client-key", "tls-server-name", "request-timeout", "cache-dir", "disable-compression",
	"username", "password", "kube-context", "kube-token", "kube-as-user", "kube-as-group", "kube-apiserver", "kube-ca-file",
	"kube-tls-server-name", "kube-insecure-skip-tls-verify", "proxy-url", "lock-wait", "record",
}

// commandLine returns the command of this invocation as it can be given again: its name, its flags but
// for those that choose the cluster, and its arguments.
func (a *App) commandLine() []string {
	root := a.Command()
	cmd, rest, err := root.Find(a.args)
	if err != nil {
		return nil
	}
	line := []string{cmd.Name()}
	err = cmd.Flags().ParseAll(rest, func(f *pflag.Flag, value string) error {
		if !slices.Contains(connects, f.Name) {
			line = append(line, fmt.Sprintf("--%s=%s", f.Name, value))
		}
		return nil
	})
	if err != nil {
		return nil
	}
	args, dash := cmd.Flags().Args(), cmd.Flags().ArgsLenAtDash()
	if dash >= 0 {
		args = slices.Insert(slices.Clone(args), dash, "--")
	}
	return append(line, args...)
}

// isLocked is what a session ends with when somebody else has the lock.
func isLocked(err error) bool {
	var locked *lock.LockedError
	return errors.As(err, &locked) || errors.Is(err, lock.ErrLost) || errors.Is(err, record.ErrTakenOver)
}
