package plugin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/ledger"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	checks "github.com/kubectl-tasks/kubectl-tasks/pkg/preflight"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/helm"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// operation is one of Helm's commands on one release with the tasks around it: found, planned
// and allowed. Nothing has been touched yet.
type operation struct {
	// id identifies the run.
	id      string
	release release.Change
	tasks   taskSet
	plan    plan.Plan
	steps   *runner.Steps
	hooks   *helm.Hooks
	engine  engine.Engine
	flags   *taskFlags
	options *helmOptions
	past    memory
	// ledger takes what later runs must know of; nil when that is nothing.
	ledger engine.Journal
}

// prepare finds and plans the tasks around a change, and refuses what is not allowed.
func (a *App) prepare(ctx context.Context, o *helmOptions, client *kube.Client, change release.Change, rel plan.Release) (*operation, error) {
	prepared, flags := change.Facts(), &o.tasks
	op := prepared.Operation
	if a.resuming != nil {
		if err := a.resuming.compareChart(change.Inputs()); err != nil {
			return nil, err
		}
	}
	wires, err := holdKeptn(ctx, &flags.keptn, client, change, rel.Namespace)
	if err != nil {
		return nil, err
	}
	next := sync.OnceValues(change.Render)
	p := &operation{id: a.runID(rel.Name), release: change, flags: flags, options: o}
	p.past = memory{
		store:  ledger.Store{Client: client.Interface, Namespace: rel.Namespace, Release: rel.Name, FirstDeployed: p.life},
		client: client, next: next,
	}
	documents, looked, err := a.find(ctx, flags, client, rel, p.sources(next))
	if err != nil {
		return nil, preflight(ctx, err)
	}
	if a.resuming != nil && op == task.Uninstall && prepared.AlreadyApplied {
		if documents, err = a.resuming.documents(); err != nil { // the release and its chart are gone
			return nil, err
		}
	}
	p.steps = &runner.Steps{
		Client: client, RunID: p.id, Operation: op, Release: rel, Helm: &helm.Steps{Process: o.helm, Apply: change.Apply, Revert: change.RollBack},
		Next: next, Objects: change.Objects, Readiness: o.helm.Readiness(), Approve: a.approver(flags), Images: flags.runnerImages(),
	}
	p.steps.Readiness.Timeout = prepared.Timeout
	p.hooks = o.hooksOf(p.steps)
	env := newEnvironment(op, rel)
	shows := prepared.DryRun || a.planning != nil
	if len(documents) > 0 && !shows {
		if err := a.addKubeconfig(&env, client, rel.Namespace); err != nil {
			return nil, preflight(ctx, err)
		}
	}
	p.steps.Env = env
	known := facts(op, rel)
	known.Values = sync.OnceValues(change.Values)
	runs := func(_ string, phase task.Phase) bool { return phase.In(op) != task.None }
	options := format.Options{Getenv: env.Lookup, Facts: known, Runs: runs}
	a.addLagoonFacts(client, rel.Namespace, &options)
	if p.tasks, err = flags.read(documents, options); err != nil {
		return nil, err
	}
	p.tasks.looked = looked
	if wires {
		options.Images = flags.runnerImages()
		if err := a.wireKeptn(ctx, &flags.keptn, &p.tasks, client, change, next, options); err != nil {
			return nil, err
		}
	}
	if err := a.plan(ctx, p, rel); err != nil {
		return nil, err
	}
	if a.resuming != nil {
		if err := a.resuming.compare(inputsOf(p.tasks, change.Inputs()), p.plan, p.revision(a.resuming)); err != nil {
			return nil, err
		}
		if err := a.resuming.undecided(p.plan); err != nil {
			return nil, err
		}
	}
	if !shows {
		if err := a.trust(ctx, flags, p.plan); err != nil {
			return nil, err
		}
		if err := checkKeptn(ctx, client, rel.Namespace, p.plan.Tasks(), next); err != nil {
			return nil, err
		}
		if err := a.mayRun(ctx, p); err != nil {
			return nil, err
		}
	}
	if prepared.DryRun || !p.deploys() || a.resuming != nil {
		return p, nil
	}
	return p, checks.References(ctx, client, p.plan, change)
}

// mayRun refuses a run with tasks whose user lacks a right. What Helm is going to do is asked for when tasks
// run before it: otherwise Helm's own first request says what is missing.
func (a *App) mayRun(ctx context.Context, o *operation) error {
	tasks := o.plan.Tasks()
	if len(tasks) == 0 {
		return nil
	}
	wanted := rightsOf(o.plan, o.flags.record.place)
	before := func(s plan.Step) bool { return s.Task != nil && s.Stage == task.Before && s.Task.Skip == "" }
	if slices.ContainsFunc(o.plan.Steps, before) && o.deploys() {
		// Rendered for itself: a task may change the chart before it is rendered for the others.
		objects, err := o.release.Render()
		if apierrors.IsForbidden(err) {
			return preflight(ctx, err)
		}
		// What cannot be rendered yet, such as a chart whose dependencies a task fetches, is Helm's to ask for.
		wanted = checks.WithObjects(wanted, o.past.client, objects)
	}
	if err := checks.Allowed(ctx, o.past.client, o.plan, wanted); err != nil || a.resuming != nil {
		return err
	}
	return checks.Admitted(ctx, o.steps, o.plan)
}

// deploys reports whether the operation applies a chart.
func (o *operation) deploys() bool {
	op := o.release.Facts().Operation
	return op == task.Install || op == task.Upgrade
}

// life tells the release from others of its name. That of an install is known when Helm has done it.
func (o *operation) life() string {
	if o.release.Facts().Operation == task.Install && !o.steps.Helm.Returned() {
		return ""
	}
	return o.release.FirstDeployed()
}

// sources are where tasks can come from besides files and the cluster.
func (o *operation) sources(next func() ([]*unstructured.Unstructured, error)) chart {
	from := chart{files: func() ([]release.File, error) { return o.release.Files(), nil }}
	if o.release.TemplatesContain(source.ReleaseAnnotation) {
		from.next = next
	}
	if !o.deploys() {
		from.recorded = o.past.documents
	}
	return from
}

// plan makes the plan and the engine that is to run it, with what earlier runs have left.
func (a *App) plan(ctx context.Context, o *operation, rel plan.Release) error {
	var done []plan.RecordedUndo
	var err error
	facts := o.release.Facts()
	if facts.Operation == task.Rollback {
		if done, err = a.left(ctx, o.past, facts.Target); err != nil {
			return err
		}
	}
	if !o.flags.forceTasks {
		if err := o.past.skipDone(ctx, o.tasks.tasks); err != nil {
			return err
		}
	}
	if facts.RollbackOnFailure {
		rollBack(facts.Operation, o.tasks.tasks)
	}
	if o.plan, err = plan.Build(facts.Operation, rel, o.tasks.tasks, done...); err != nil {
		return err
	}
	o.steps.Helm.TasksInParallel = slices.ContainsFunc(o.plan.Steps, func(s plan.Step) bool { return s.Kind == plan.Finish })
	o.engine = o.flags.engine(o.steps)
	o.engine.RollBack = facts.RollbackOnFailure
	var kept []record.Document
	if o.deploys() {
		if kept, err = keep(o.tasks); err != nil {
			return err
		}
	}
	if remembers(o.plan.Tasks()) || len(done)+len(kept) > 0 {
		o.ledger = o.past.ledger(o.id, facts.NextRevision, kept)
	}
	return nil
}

// rollBack has the failure of each task that could stop the run be followed by a rollback.
func rollBack(op task.Operation, tasks []task.Task) {
	for i := range tasks {
		if stage := tasks[i].Phase.In(op); tasks[i].OnFailure == task.Fail && stage != task.None && stage <= task.After {
			tasks[i].OnFailure = task.RollBack
		}
	}
}

// facts are what expressions know of a run.
func facts(op task.Operation, rel plan.Release) expression.Facts {
	return expression.Facts{Operation: op, Release: rel.Name, Namespace: rel.Namespace, Getenv: os.LookupEnv}
}

// revision is the number of the revision that the run is about.
func (o *operation) revision(resuming *resumption) int {
	facts := o.release.Facts()
	if facts.AlreadyApplied {
		return resuming.run.Revision
	}
	return facts.NextRevision
}

// makeAgain has Helm's part made again when tasks run beside it and its revision is not deployed: the process that
// applied it has died, or the release was marked failed, before they had ended.
func (o *operation) makeAgain() {
	back := func(s plan.Step) bool { return s.Stage == task.AtRollback && o.engine.Prior[s.ID].Attempt > 0 }
	if !o.steps.Helm.TasksInParallel || o.steps.Helm.AlreadyApplied || slices.ContainsFunc(o.plan.Steps, back) {
		return
	}
	for _, s := range o.plan.Steps {
		if s.Kind != plan.Apply && s.Kind != plan.Finish {
			continue
		}
		if e := o.engine.Prior[s.ID]; e.State == task.Succeeded {
			e.State = task.Failed
			o.engine.Prior[s.ID] = e
		}
	}
}

// enter opens the session of a run with tasks; one without is Helm's own, which keeps others away by
// itself and is not recorded.
func (a *App) enter(ctx context.Context, o *operation) (*session, context.Context, error) {
	if len(o.plan.Tasks()) == 0 && a.resuming == nil {
		return &session{cancel: func(error) {}}, ctx, nil
	}
	facts := o.release.Facts()
	opening := opening{
		flags: &o.flags.record, client: o.past.client, plan: o.plan, id: o.id, revision: o.revision(a.resuming), keep: facts.MaxHistory, target: facts.Target,
		inputs: inputsOf(o.tasks, o.release.Inputs()), stale: o.release.Stale, createNamespace: facts.CreateNamespace,
	}
	if facts.Operation == task.Uninstall {
		var err error
		if opening.documents, err = packed(o.tasks, func(format.Document) bool { return true }); err != nil {
			a.tell(fmt.Sprintf("should the run die after Helm's part, it cannot be gone on with: %v", err))
		}
	}
	s, ctx, err := a.open(ctx, opening)
	if err != nil {
		return nil, nil, err
	}
	recordSteps(o.steps, s, a.resuming)
	if a.resuming != nil {
		o.engine.Prior = a.resuming.earlier()
		o.steps.Helm.AlreadyApplied = facts.AlreadyApplied
		o.steps.Helm.Interrupted = a.resuming.hasApplied()
		o.makeAgain()
	}
	return s, ctx, nil
}

// perform does what was prepared and writes what Helm's own command would write.
func (a *App) perform(ctx context.Context, o *operation) error {
	planned := o.plan.Tasks()
	a.announce(o.tasks, planned)
	if len(o.tasks.tasks) > 0 && len(planned) == 0 {
		a.say("none of them is for %s", o.plan.Operation)
	}
	if a.planning != nil {
		return a.showPlan(ctx, o.flags, o.plan, o.past.client, o.past.next)
	}
	if o.release.Facts().DryRun {
		return a.dryRun(o.plan, o.release)
	}
	events, err := o.flags.openEvents(o.id)
	if err != nil {
		return err
	}
	defer events.close(a)
	s, ctx, err := a.enter(ctx, o)
	if err != nil {
		return err
	}
	defer s.close(a)
	var show func(engine.Event)
	if len(planned) > 0 {
		show = o.options.voice.Emit
	}
	e := s.engine(o.engine, o.ledger)
	e.Emit = events.emit(s.emit(show))
	o.hooks.Emit = events.emit(o.options.voice.Emit)
	o.options.running = o.hooks // one command can change several releases, all of which are prepared first
	result := e.Run(ctx, o.plan)
	o.steps.Close(a.tell)
	if ledger, ok := o.ledger.(ledger.Journal); ok {
		if err := ledger.Close(); err != nil {
			a.tell(err.Error())
		}
	}
	applyError := o.steps.Helm.Err()
	end := rolledBack(result, o.steps.Helm.Reverted(), a.end(ctx, result, applyError))

	revision := o.release.Revision()
	s.end(a, result, revision, ExitCode(end), ExitCode(end) == exitRolledBack)
	defer s.hint(a, end, result)
	var run any
	if len(planned) > 0 {
		object := report.NewRun(o.plan, result)
		object.ID, object.Revision, object.ExitCode = o.id, revision, ExitCode(end)
		run = object
	}
	if err := a.printRelease(o.release, run); err != nil && end == nil {
		return err
	}
	if facts := o.release.Facts(); facts.Operation == task.Uninstall && end == nil && !facts.KeepHistory {
		a.forget(ctx, o)
		s.keep = 0
	}
	if end != nil && revision > 0 && applyError == nil && !triedRollback(result) {
		stays := "nothing was rolled back"
		if o.plan.Operation == task.Rollback {
			stays = "it stays"
		}
		a.say("release %q: Helm's %s is done (revision %d), %s", o.plan.Release.Name, o.plan.Operation, revision, stays)
	}
	return end
}

// dryRun shows each task in its place, on the side of the messages when Helm's own dry run has
// something to say on the side of the results.
func (a *App) dryRun(p plan.Plan, change release.Change) error {
	if len(p.Tasks()) > 0 {
		a.say("dry run: nothing of this is run")
		if err := report.Plan(a.ErrOut, p); err != nil {
			return err
		}
	}
	if err := change.Apply(); err != nil {
		return err
	}
	return a.printRelease(change, nil)
}

// end turns the result of a run into the error that ends the program; nil when all went well.
func (a *App) end(ctx context.Context, result engine.Result, applyError error) error {
	state := result.State()
	stolen := func(s engine.StepResult) bool { return s.Reason == engine.ReasonNotRecorded && s.State == task.Failed }
	if lost := errors.Is(context.Cause(ctx), lock.ErrLost); state != task.Succeeded && (lost || a.taken.Load() && slices.ContainsFunc(result.Steps, stolen)) {
		return runError{exitLocked, fmt.Errorf("another process has taken the run's lock, or it was deleted: what was not started yet is not%s", unknownPart(result))}
	}
	if by, ok := errors.AsType[cancelledBy](context.Cause(ctx)); ok && state != task.Succeeded {
		return runError{exitSIGTERM, fmt.Errorf("%w%s", by, unknownPart(result))}
	}
	if code, ok := interruption(ctx); ok && state != task.Succeeded {
		return runError{code, fmt.Errorf("%w%s", context.Cause(ctx), unknownPart(result))}
	}
	switch state {
	case task.Succeeded:
		return nil
	case task.Unknown:
		return runError{exitUnknown, summary(result, task.Unknown)}
	case task.Failed, task.Cancelled, task.Skipped, task.NotRun:
	}
	code := failureCode(result, applyError)
	if slices.ContainsFunc(result.Steps, func(s engine.StepResult) bool { return failed(s) && s.Reason == helm.Reason }) {
		return runError{code, applyError} // in Helm's own words
	}
	return runError{code, summary(result, task.Failed)}
}

// rolledBack turns the end of a run that was rolled back into that: whether it could be.
func rolledBack(result engine.Result, how string, end error) error {
	bad := func(s engine.StepResult) bool { return atRollback(s) && !s.State.Good() }
	switch {
	case !triedRollback(result) || end == nil:
		return end
	case slices.ContainsFunc(result.Steps, bad):
		return runError{exitNotRolledBack, fmt.Errorf("%w; it could not be rolled back", end)}
	case how == "":
		how = "what was done was taken back, and Helm had changed nothing"
	}
	return runError{exitRolledBack, fmt.Errorf("%w; %s", end, how)}
}

// atRollback reports whether a step takes back what others did, and its turn came.
func atRollback(s engine.StepResult) bool {
	return s.Step.Stage == task.AtRollback && s.Reason != engine.ReasonNotNeeded
}

// triedRollback reports whether it was tried to take back what the run did.
func triedRollback(result engine.Result) bool { return slices.ContainsFunc(result.Steps, atRollback) }

// summary says in one line which steps ended in that state.
func summary(result engine.Result, state task.State) error {
	var parts []string
	for _, s := range result.Steps {
		if s.State != state || s.Tolerated() {
			continue
		}
		part := s.Step.Title()
		if s.Step.Task != nil {
			part = fmt.Sprintf("task %q", s.Step.ID)
		}
		message := s.Message
		if message == "" {
			message = strings.ToLower(string(state))
		}
		if !strings.Contains(message, part+":") { // else it says itself which task it is about
			message = part + ": " + message
		}
		parts = append(parts, shown("%s", message))
	}
	return errors.New(strings.Join(parts, "; "))
}

// unknownPart tells, after an interruption, what may still run.
func unknownPart(result engine.Result) string {
	for _, s := range result.Steps {
		if s.State == task.Unknown {
			return "; " + summary(result, task.Unknown).Error()
		}
	}
	return ""
}

// preflight words an error of the time before anything was touched.
func preflight(ctx context.Context, err error) error {
	var usage usageError
	if errors.As(err, &usage) || ctx.Err() != nil {
		return err
	}
	return &release.PreflightError{Err: err}
}

// newRunID returns an identifier that sorts by time.
func newRunID(start time.Time) string {
	var random [3]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	return fmt.Sprintf("%s-%x", start.UTC().Format("20060102-150405"), random)
}
