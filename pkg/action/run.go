package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/ledger"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// waitTimeout is how long a run without Helm waits for an object that a task needs: the default of Helm's --timeout.
const waitTimeout = 5 * time.Minute

// Run runs tasks by their names or phase, or one task of the command line, without Helm.
type Run struct {
	Request
	// Release is the release whose pods and values the tasks use; may be empty.
	Release string
	// Names are the tasks to run, and Phase the phase or the table whose tasks run. A single task of a named document
	// needs neither.
	Names []string
	Phase string
	// OneOff is a task to run instead of those of documents; nil reads documents.
	OneOff *OneOff
	// Passthrough makes a plan of one step behave as its program: it is not announced.
	Passthrough bool

	locks lockSet
}

// Run executes the tasks, or returns their plan. The result is nil when the run could not begin. The error has the exit
// code of the run (ExitCode).
func (r *Run) Run(ctx context.Context) (*Result, error) {
	r.locks.config = r.Config
	defer r.locks.release()
	namespace, err := r.Connection.Namespace()
	if err != nil {
		return nil, err
	}
	p := &process{Request: &r.Request, id: r.runID(), locks: &r.locks}
	p.steps = &runner.Steps{
		Client: r.Connection.Client(), RunID: p.id, Operation: task.Run, Release: plan.Release{Name: r.Release, Namespace: namespace},
		Readiness: ready.Options{Timeout: waitTimeout}, Approve: r.Config.approver(r.Yes), Images: r.Read.Images,
	}
	prepare := r.prepare
	if r.OneOff != nil {
		prepare = r.prepareOneOff
	}
	if err := prepare(ctx, p); err != nil {
		return nil, err
	}
	p.engine = engine.Engine{Runner: p.steps, Concurrency: r.Concurrency, KeepGoing: r.KeepGoing}
	if !r.passesThrough(p) || r.Mode != Execute {
		r.Config.announce(p.tasks, p.plan.Tasks())
	}
	if r.Mode != Execute {
		return p.result(), nil
	}
	if err := r.check(ctx, p); err != nil {
		return nil, err
	}
	p.opening = &opening{record: r.Record, client: p.steps.Client, plan: p.plan, id: p.id, keep: r.Record.Keep, inputs: inputsOf(p.tasks, nil)}
	if r.Resume != nil {
		p.engine.Prior = r.Resume.priorSteps()
	}
	return p.execute(ctx, r.settle(p))
}

// passesThrough reports whether the run behaves as the program of its only step.
func (r *Run) passesThrough(p *process) bool { return r.Passthrough && len(p.plan.Steps) == 1 }

// prepare finds, parses and plans the tasks of documents.
func (r *Run) prepare(ctx context.Context, p *process) error {
	client, rel := p.steps.Client, p.steps.Release
	var from sources
	if r.Release != "" {
		from.files = r.Connection.storedFiles(ctx, r.Release, rel.Namespace)
	}
	found, err := r.find(ctx, client, rel, from)
	if err != nil {
		return preflight(ctx, err)
	}
	if len(found.Documents) == 0 {
		return UsageError{noTasks(found.Searched)}
	}
	env := r.Config.newEnvironment(task.Run, rel)
	// Tasks on this machine need no cluster; without one they get no kubeconfig.
	if _, err := client.RESTConfig(); err == nil && r.Mode == Execute {
		if err := r.Config.addKubeconfig(&env, client, rel.Namespace); err != nil {
			return preflight(ctx, err)
		}
	}
	p.steps.Env = env
	options := r.reading(task.Run, rel, env.Lookup)
	options.Runs = r.choice().Includes
	if r.Release != "" {
		options.Facts.Values = r.Connection.storedValues(ctx, r.Release, rel.Namespace)
	}
	r.addLagoonFacts(client, rel.Namespace, &options)
	if err := (keptn.Cluster{Client: client, Namespace: rel.Namespace}).AddDefinitions(ctx, found.Documents, &options.Keptn); err != nil {
		return preflight(ctx, err)
	}
	if p.tasks, err = r.read(found, options); err != nil {
		return err
	}
	return r.plan(ctx, p)
}

// plan chooses the tasks and plans them, with the ledger of earlier runs.
func (r *Run) plan(ctx context.Context, p *process) error {
	client, rel := p.steps.Client, p.steps.Release
	chosen, err := r.choice().Of(p.tasks.Tasks)
	if err != nil {
		return choiceError(err)
	}
	past := prior{store: ledger.Store{Client: client.Interface, Namespace: rel.Namespace, Release: r.Release}, client: client}
	revision := 0
	if remembers(chosen) && r.Release != "" {
		var firstDeployed string
		if revision, firstDeployed, err = r.Connection.lastRevision(ctx, r.Release, rel.Namespace); err != nil {
			return &release.PreflightError{Err: err}
		}
		past.store.FirstDeployed = func() string { return firstDeployed }
	}
	if !r.Force {
		if err := past.skipDone(ctx, chosen); err != nil {
			return err
		}
	}
	if p.plan, err = plan.BuildRun(rel, p.tasks.Tasks, chosen); err != nil {
		return err
	}
	if needsRelease(chosen) && r.Mode != DryRun {
		if p.steps.Objects, err = r.stored(ctx, rel.Namespace); err != nil {
			return err
		}
	}
	if remembers(chosen) && r.Mode != DryRun {
		p.ledger = past.ledger(p.id, revision, nil)
	}
	if r.Resume == nil && !r.recorded(chosen) {
		r.Record.Place = RecordNone
	}
	return nil
}

// choice selects the tasks of the run.
func (r *Run) choice() plan.Choice {
	return plan.Choice{Names: r.Names, Phase: r.Phase, Single: len(r.References) > 0}
}

// choiceError is the error of tasks that cannot be chosen, with the texts of their document escaped.
func choiceError(err error) error {
	choice, ok := errors.AsType[*plan.ChoiceError](err)
	if !ok {
		return UsageError{err}
	}
	lines := make([]string, len(choice.Tasks))
	for i, t := range choice.Tasks {
		lines[i] = shown("  %s", t.Name)
	}
	return UsageError{fmt.Errorf("%s:\n%s", choice.Reason, strings.Join(lines, "\n"))}
}

// noTasks is the error of an action without documents.
func noTasks(searched string) error {
	return fmt.Errorf("there are no tasks in %s\nhint: name a file with --tasks, or a release with --release", searched)
}

// recorded reports whether a run of the tasks is recorded: a run that changes the cluster, one that writes to the ledger,
// and one for which the user chose a place.
func (r *Run) recorded(tasks []task.Task) bool {
	inCluster := func(t task.Task) bool {
		executor, _ := runner.Of(t.Executor)
		return executor.Place == runner.InCluster
	}
	return r.Record.Place != RecordAuto || remembers(tasks) || slices.ContainsFunc(tasks, inCluster)
}

// check refuses a run that is not allowed, or that the user at the terminal does not confirm.
func (r *Run) check(ctx context.Context, p *process) error {
	if r.Resume != nil {
		if err := r.Resume.compare(inputsOf(p.tasks, nil), p.plan, 0); err != nil {
			return err
		}
		if err := r.Resume.undecided(r.Config, p.plan); err != nil {
			return err
		}
	}
	if err := p.trust(ctx); err != nil {
		return err
	}
	if err := p.confirm(ctx); err != nil {
		return err
	}
	if err := p.checkKeptn(ctx); err != nil {
		return err
	}
	if r.Record.Place == RecordNone {
		return nil
	}
	return p.allowed(ctx, p.rights())
}

// settle returns a function that turns the results of the steps into the result of the run.
func (r *Run) settle(p *process) func(context.Context, engine.Result, Presentation) (*Result, error) {
	return func(ctx context.Context, result engine.Result, shown Presentation) (*Result, error) {
		end := outcome(ctx, result, nil, r.locks.lost.Load())
		if code, ok := ownExitCode(result); ok && end != nil && ExitCode(end) == ExitFailed {
			end = RunError{code, end} // the output of the program shows the reason
		}
		if shown.Err != nil && end == nil {
			if err := shown.Err(); err != nil {
				end = fmt.Errorf("the task succeeded, but its output is incomplete: %w", err)
			}
		}
		done := p.result()
		done.Ran, done.Outcome, done.ExitCode = true, result, ExitCode(end)
		return done, end
	}
}

// ownExitCode returns the exit code of the only task with the only target that ran; false when it is 0: the program then
// did not fail.
func ownExitCode(result engine.Result) (int, bool) {
	if len(result.Steps) != 1 || len(result.Steps[0].Targets) > 1 || result.Steps[0].ExitCode == nil {
		return 0, false
	}
	return *result.Steps[0].ExitCode, *result.Steps[0].ExitCode != 0
}

// stored returns a function that returns the objects of the release in whose pods the tasks run.
func (r *Run) stored(ctx context.Context, namespace string) (func() ([]*unstructured.Unstructured, error), error) {
	helm, err := r.Connection.Helm(ctx, namespace, io.Discard, r.Config.helmLog())
	if err != nil {
		return nil, err
	}
	if r.Release == "" {
		names, err := helm.DeployedNames()
		if err != nil {
			return nil, &release.PreflightError{Err: err}
		}
		hint := fmt.Sprintf("namespace %q has no release", namespace)
		if len(names) > 0 {
			hint = fmt.Sprintf("namespace %q has %s", namespace, strings.Join(names, ", "))
		}
		return nil, UsageError{fmt.Errorf("tasks that run in the pods of a release need --release NAME; %s", hint)}
	}
	objects, err := helm.StoredObjects(r.Release)
	if err != nil {
		return nil, &release.PreflightError{Err: err}
	}
	return func() ([]*unstructured.Unstructured, error) { return objects, nil }, nil
}

// needsRelease reports whether one of the tasks runs in the pods of the release.
func needsRelease(tasks []task.Task) bool {
	return slices.ContainsFunc(tasks, func(t task.Task) bool {
		e, exec := t.Executor.(task.Exec)
		return exec && e.Target == "" && e.Selector == ""
	})
}
