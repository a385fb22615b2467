package action

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/ledger"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/helm"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Operation is one of Helm's commands on one release, with the tasks around it: an install, an upgrade, a rollback or an
// uninstall.
type Operation struct {
	Request
	Helm    *Helm
	Release plan.Release
	// Change prepares Helm's part. It is called again when the release has changed while the run waited for its lock.
	Change func() (release.Change, error)
	// Heal marks a revision that is stuck in pending as failed, and continues, if no other Helm process works on it.
	Heal bool

	id       string
	locks    lockSet
	prepared *prepared
}

// prepared is a planned and checked operation, before any change.
type prepared struct {
	process

	facts release.Facts
	prior prior
}

// Prepare finds, plans and checks the operation, so that Run only has to execute it. Nothing is changed. Run calls it
// itself when it was not called.
func (o *Operation) Prepare(ctx context.Context) error {
	if o.prepared != nil {
		return nil
	}
	o.locks.config = o.Config
	if o.id == "" {
		o.id = o.runID()
	}
	change, err := o.Change()
	if err != nil {
		return err
	}
	o.prepared, err = o.prepare(ctx, change)
	return err
}

// Run executes the operation, or returns its plan. Helm's own output is in the change; see release.Change.Print. The
// result is nil when the run could not begin. The error has the exit code of the run (ExitCode).
func (o *Operation) Run(ctx context.Context) (*Result, error) {
	defer o.locks.release()
	for tries := 0; ; {
		result, err := o.attempt(ctx)
		pending, isPending := errors.AsType[*release.PendingError](err)
		switch {
		case errors.Is(err, errStale):
			continue
		case !isPending || tries == 2: // the lock was taken, and the release healed
			return result, err
		case o.Mode != Execute || pending.DryRun: // nothing is changed, and no lock is taken
			return nil, o.explainPending(ctx, pending, err)
		}
		if err := o.heal(ctx, pending, err); err != nil {
			return nil, err
		}
		tries++
	}
}

// attempt prepares and executes the operation once. The error is errStale when the release has changed meanwhile.
func (o *Operation) attempt(ctx context.Context) (*Result, error) {
	if err := o.Prepare(ctx); err != nil {
		return nil, err
	}
	p := o.prepared
	o.prepared = nil // the next attempt prepares it again
	return o.perform(ctx, p)
}

// prepare finds and plans the tasks around a change, and checks whether the plan may run.
func (o *Operation) prepare(ctx context.Context, change release.Change) (*prepared, error) {
	facts, client, rel := change.Facts(), o.Connection.Client(), o.Release
	op := facts.Operation
	if o.Resume != nil {
		if err := o.Resume.compareChart(change.Inputs()); err != nil {
			return nil, err
		}
	}
	wires, err := o.excludeKeptn(ctx, client, change, rel.Namespace)
	if err != nil {
		return nil, err
	}
	p := &prepared{facts: facts}
	p.process = process{Request: &o.Request, id: o.id, locks: &o.locks, change: change, rendered: sync.OnceValues(change.Render)}
	p.prior = prior{
		store:  ledger.Store{Client: client.Interface, Namespace: rel.Namespace, Release: rel.Name, FirstDeployed: p.firstDeployed},
		client: client, rendered: p.rendered,
	}
	found, err := o.find(ctx, client, rel, p.sources())
	if err != nil {
		return nil, preflight(ctx, err)
	}
	if o.Resume != nil && op == task.Uninstall && facts.AlreadyApplied {
		if found.Documents, err = o.Resume.documents(); err != nil { // the release and its chart are already deleted
			return nil, err
		}
	}
	p.steps = &runner.Steps{
		Client: client, RunID: o.id, Operation: op, Release: rel, Helm: &helm.Steps{Process: o.Helm, Apply: change.Apply, Revert: change.RollBack},
		Rendered: p.rendered, Objects: change.Objects, Readiness: o.Helm.Readiness(), Approve: o.Config.approver(o.Yes), Images: o.Read.Images,
	}
	p.steps.Readiness.Timeout = facts.Timeout
	p.hooks = o.Helm.hooks(p.steps)
	env := o.Config.newEnvironment(op, rel)
	executes := o.Mode == Execute && !facts.DryRun
	if len(found.Documents) > 0 && executes {
		if err := o.Config.addKubeconfig(&env, client, rel.Namespace); err != nil {
			return nil, preflight(ctx, err)
		}
	}
	p.steps.Env = env
	options := o.reading(op, rel, env.Lookup)
	options.Runs = func(_ string, phase task.Phase) bool { return phase.In(op) != task.None }
	options.Facts.Values = sync.OnceValues(change.Values)
	o.addLagoonFacts(client, rel.Namespace, &options)
	if p.tasks, err = o.read(found, options); err != nil {
		return nil, err
	}
	if wires {
		if err := o.wireKeptn(ctx, &p.tasks, client, change, p.rendered, rel); err != nil {
			return nil, err
		}
	}
	if err := o.plan(ctx, p); err != nil {
		return nil, err
	}
	if o.Resume != nil {
		if err := o.Resume.compare(inputsOf(p.tasks, change.Inputs()), p.plan, p.revision()); err != nil {
			return nil, err
		}
		if err := o.Resume.undecided(o.Config, p.plan); err != nil {
			return nil, err
		}
	}
	if err := o.check(ctx, p, executes); err != nil {
		return nil, err // a refused operation cannot run
	}
	return p, nil
}

// firstDeployed returns the time that distinguishes the release from others of its name. It is empty before Helm has
// installed the release.
func (p *prepared) firstDeployed() string {
	if p.facts.Operation == task.Install && !p.steps.Helm.Returned() {
		return ""
	}
	return p.change.FirstDeployed()
}

// deploys reports whether the operation applies a chart.
func (p *prepared) deploys() bool {
	return p.facts.Operation == task.Install || p.facts.Operation == task.Upgrade
}

// sources returns the sources of documents other than files and the cluster.
func (p *prepared) sources() sources {
	from := sources{files: func() ([]release.File, error) { return p.change.Files(), nil }}
	if p.change.TemplatesContain(source.ReleaseAnnotation) {
		from.rendered = p.rendered
	}
	if !p.deploys() {
		from.recorded = p.prior.documents
	}
	return from
}

// revision returns the number of the revision that the run creates or removes.
func (p *prepared) revision() int {
	if p.facts.AlreadyApplied {
		return p.Resume.Run.Revision
	}
	return p.facts.NextRevision
}

// plan makes the plan and the engine that runs it, with the ledger of earlier runs.
func (o *Operation) plan(ctx context.Context, p *prepared) error {
	var done []plan.RecordedUndo
	var err error
	if p.facts.Operation == task.Rollback {
		if done, err = p.prior.left(ctx, o.Config, p.facts.Target); err != nil {
			return err
		}
	}
	if !o.Force {
		if err := p.prior.skipDone(ctx, p.tasks.Tasks); err != nil {
			return err
		}
	}
	if p.facts.RollbackOnFailure {
		rollBackOnFailure(p.facts.Operation, p.tasks.Tasks)
	}
	if p.plan, err = plan.Build(p.facts.Operation, o.Release, p.tasks.Tasks, done...); err != nil {
		return err
	}
	steps := p.plan
	p.steps.Helm.TasksInParallel = slices.ContainsFunc(steps.Steps, func(s plan.Step) bool { return s.Kind == plan.Finish })
	p.engine = engine.Engine{Runner: p.steps, Concurrency: o.Concurrency, KeepGoing: o.KeepGoing, RollBack: p.facts.RollbackOnFailure}
	var kept []record.Document
	if p.deploys() {
		if kept, err = keep(p.tasks); err != nil {
			return err
		}
	}
	if remembers(steps.Tasks()) || len(done)+len(kept) > 0 {
		p.ledger = p.prior.ledger(o.id, p.facts.NextRevision, kept)
	}
	return nil
}

// rollBackOnFailure makes the failure of each task that can stop the run roll the release back.
func rollBackOnFailure(op task.Operation, tasks []task.Task) {
	for i := range tasks {
		if stage := tasks[i].Phase.In(op); tasks[i].OnFailure == task.Fail && stage != task.None && stage <= task.After {
			tasks[i].OnFailure = task.RollBack
		}
	}
}

// perform executes a prepared operation, or returns its plan.
func (o *Operation) perform(ctx context.Context, p *prepared) (*Result, error) {
	steps := p.plan
	planned := steps.Tasks()
	o.Config.announce(p.tasks, planned)
	if len(p.tasks.Tasks) > 0 && len(planned) == 0 {
		o.Config.say("none of them runs in this operation (%s)", steps.Operation)
	}
	if o.Mode == Plan {
		return p.result(), nil
	}
	if p.facts.DryRun {
		if o.DryRun != nil {
			if err := o.DryRun(steps); err != nil {
				return nil, err
			}
		}
		return p.result(), p.change.Apply()
	}
	if len(planned) > 0 || o.Resume != nil {
		// A run without tasks is Helm's own: Helm itself excludes other operations, and no record is needed.
		o.open(p)
	}
	if p.facts.Operation == task.Uninstall && !p.facts.KeepHistory {
		p.forget = func(ctx context.Context) { o.forget(ctx, p) }
	}
	o.Helm.running = p.hooks // one Helm can change several releases, all of which are prepared first
	return p.execute(ctx, o.settle(p))
}

// open fills in the first version of the record, and the results of the run to resume.
func (o *Operation) open(p *prepared) {
	p.opening = &opening{
		record: o.Record, client: p.steps.Client, plan: p.plan, id: o.id, revision: p.revision(), target: p.facts.Target, keep: p.facts.MaxHistory,
		inputs: inputsOf(p.tasks, p.change.Inputs()), stale: p.change.Stale, createNamespace: p.facts.CreateNamespace,
	}
	if p.facts.Operation == task.Uninstall {
		var err error
		if p.opening.documents, err = packed(p.tasks, func(format.Document) bool { return true }); err != nil {
			o.Config.note(fmt.Sprintf("if the run dies after Helm's part, it cannot be resumed: %v", err))
		}
	}
	if o.Resume == nil {
		return
	}
	p.engine.Prior = o.Resume.priorSteps()
	p.steps.Helm.AlreadyApplied, p.steps.Helm.Interrupted = p.facts.AlreadyApplied, o.Resume.hasApplied()
	p.repeatApply()
}

// repeatApply makes Helm's part again when tasks run in parallel with it and its revision is not deployed: the process
// that applied it died, or the release was marked as failed, before they had ended.
func (p *prepared) repeatApply() {
	steps := p.plan.Steps
	back := func(s plan.Step) bool { return s.Stage == task.AtRollback && p.engine.Prior[s.ID].Attempt > 0 }
	if !p.steps.Helm.TasksInParallel || p.steps.Helm.AlreadyApplied || slices.ContainsFunc(steps, back) {
		return
	}
	for _, s := range steps {
		if s.Kind != plan.Apply && s.Kind != plan.Finish {
			continue
		}
		if e := p.engine.Prior[s.ID]; e.State == task.Succeeded {
			e.State = task.Failed
			p.engine.Prior[s.ID] = e
		}
	}
}
