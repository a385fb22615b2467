package plugin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/ledger"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	checks "github.com/kubectl-tasks/kubectl-tasks/pkg/preflight"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// waitTimeout is how long an object that a task needs is waited for without Helm, whose --timeout is
// the same by default.
const waitTimeout = 5 * time.Minute

type runOptions struct {
	connection *connection
	tasks      taskFlags
	oneOff     oneOff
	phase      string
	release    string
	dryRun     bool
	output     string
	historyMax int
	unmasked   bool
}

func (a *App) runCommand() *cobra.Command {
	o := &runOptions{connection: newConnection()}
	cmd := &cobra.Command{
		Use:   "run [TASK... | (--exec|--clone|--pod|--job|--lagoon-service) PLACE -- COMMAND [ARG...]]",
		Short: "Run tasks by name or phase, without Helm",
		Long: `Run tasks by name, or all tasks of a phase, without Helm. A task of a Draft file is called
TABLE/DESCRIPTION, one of a .lagoon.yml pre-rollout/NAME or post-rollout/NAME; the part after
the slash alone will do when no other task has it. When a document that is named with
--filename has a single task, that one needs no name.

A single task with a single target behaves as its program: its output goes to standard
output byte for byte, and its exit code is passed on. On a terminal and in a pipe the values
of Secrets that it uses are replaced by ***; in a file they are not.`,
		Example: `  # One task of .draft-tasks.toml
  kubectl tasks run hello

  # A task that runs in the pods of a release
  kubectl tasks run "sync database" --release web

  # One command, without a file: in a running pod, in a clone of one, in a Job
  kubectl tasks run --exec deployment/web -- hostname
  kubectl tasks run --clone deployment/web -- env
  kubectl tasks run --job busybox:1.37 -- echo hello

  # A command as a standard task of Lagoon, a LagoonTask, a definition of Lagoon's API
  kubectl tasks run --lagoon-service web -- hostname
  kubectl tasks run -f lagoontask.yaml
  kubectl tasks run -f definition.json --param NAME=value

  # All post-deploy tasks of a file
  kubectl tasks run --phase post-deploy --release web -f deploy/.draft-tasks.toml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.oneOff.given() {
				return a.runOne(cmd.Context(), o, args, cmd.ArgsLenAtDash())
			}
			if cmd.ArgsLenAtDash() >= 0 {
				return usageError{errors.New("a command after -- needs --exec, --clone, --pod, --job or --lagoon-service, which say where it runs")}
			}
			return a.run(cmd.Context(), o, args)
		},
	}
	fs := cmd.Flags()
	o.tasks.addSource(fs)
	o.tasks.addFilename(fs)
	o.tasks.addRun(fs)
	o.tasks.record.addFlags(fs)
	fs.IntVar(&o.historyMax, "history-max", 10, "how many records of runs are kept, of a release or of tasks without one; 0 for no limit")
	o.oneOff.addFlags(fs)
	fs.StringVar(&o.phase, "phase", "", "run all tasks of this phase or table, such as post-deploy or pre-up")
	fs.StringVarP(&o.release, "release", "r", "", "the release whose pods the tasks run in")
	fs.BoolVar(&o.tasks.forceTasks, "force", false, "short for --force-tasks, which the Helm commands have beside Helm's --force")
	fs.BoolVar(&o.unmasked, "unmasked", false, "leave values of Secrets in what a single task writes to a pipe, as they are left in what it writes to a file: it is data, not a log")
	fs.BoolVar(&o.dryRun, "dry-run", false, "show what would run, run nothing")
	addOutput(fs, &o.output, "json", "yaml")
	o.connection.addFlags(cmd)
	return cmd
}

func (a *App) run(ctx context.Context, o *runOptions, names []string) error {
	if err := errors.Join(o.tasks.validate(), checkOutput(o.output, "json", "yaml")); err != nil {
		return err
	}
	if len(names) > 0 && o.phase != "" {
		return usageError{errors.New("give task names or --phase, not both")}
	}
	namespace, err := o.connection.namespace()
	if err != nil {
		return usageError{err}
	}
	rel := plan.Release{Name: o.release, Namespace: namespace}
	client := o.connection.client()
	var from chart
	if o.release != "" {
		from.files = o.connection.storedFiles(ctx, o.release, namespace)
	}
	documents, looked, err := a.find(ctx, &o.tasks, client, rel, from)
	if err != nil {
		return preflight(ctx, err)
	}
	if len(documents) == 0 {
		return usageError{noTasks(looked)}
	}
	env := newEnvironment(task.Run, rel)
	steps := &runner.Steps{Client: client, Operation: task.Run, Release: rel, Readiness: ready.Options{Timeout: waitTimeout}, Approve: a.approver(&o.tasks), Images: o.tasks.runnerImages()}
	// Tasks of this machine need no cluster, so one that is not configured is no error.
	if _, err := client.RESTConfig(); err == nil && !o.dryRun && a.planning == nil {
		if err := a.addKubeconfig(&env, client, namespace); err != nil {
			return preflight(ctx, err)
		}
	}
	steps.Env = env
	known := facts(task.Run, rel)
	if o.release != "" {
		known.Values = o.connection.storedValues(ctx, o.release, namespace)
	}
	choice := plan.Choice{Names: names, Phase: o.phase, Single: len(o.tasks.references) > 0}
	options := format.Options{Getenv: env.Lookup, Facts: known, Runs: choice.Includes}
	a.addLagoonFacts(client, namespace, &options)
	if err := (keptn.Cluster{Client: client, Namespace: namespace}).AddDefinitions(ctx, documents, &options.Keptn); err != nil {
		return preflight(ctx, err)
	}
	set, err := o.tasks.read(documents, options)
	if err != nil {
		return err
	}
	past := memory{store: ledger.Store{Client: client.Interface, Namespace: namespace, Release: o.release}, client: client}
	chosen, err := choice.Of(set.tasks)
	if err != nil {
		return choiceError(err)
	}
	revision := 0
	if remembers(chosen) && o.release != "" {
		var life string
		if revision, life, err = o.connection.lastRevision(ctx, o.release, namespace); err != nil {
			return &release.PreflightError{Err: err}
		}
		past.store.FirstDeployed = func() string { return life }
	}
	if !o.tasks.forceTasks {
		if err := past.skipDone(ctx, chosen); err != nil {
			return err
		}
	}
	p, err := plan.BuildRun(rel, set.tasks, chosen)
	if err != nil {
		return err
	}
	if needsRelease(chosen) && !o.dryRun {
		if steps.Objects, err = a.stored(ctx, o, namespace); err != nil {
			return err
		}
	}
	id := a.runID(o.release)
	var ledger engine.Journal
	if remembers(chosen) && !o.dryRun {
		ledger = past.ledger(id, revision, nil)
	}
	if a.resuming == nil && !o.recorded(chosen) {
		o.tasks.record.place = recordNone
	}
	return a.settled(ctx, nil, namespace, o.release, func() error { return a.runPlan(ctx, o, steps, set, p, id, ledger) })
}

// choiceError is the error of tasks that cannot be chosen, with the texts of their document escaped.
func choiceError(err error) error {
	choice, ok := errors.AsType[*plan.ChoiceError](err)
	if !ok {
		return usageError{err}
	}
	lines := make([]string, len(choice.Tasks))
	for i, t := range choice.Tasks {
		lines[i] = shown("  %s", t.Name)
	}
	return usageError{fmt.Errorf("%s:\n%s", choice.Reason, strings.Join(lines, "\n"))}
}

// noTasks is the error of a command that has nothing to work on.
func noTasks(looked string) error {
	return fmt.Errorf("there are no tasks in %s\nhint: name a file with --tasks, or a release with --release", looked)
}

// recorded reports whether a run of the tasks is recorded: one that touches the cluster, one that later
// runs must know of, and one of which the user says so.
func (o *runOptions) recorded(tasks []task.Task) bool {
	local := func(t task.Task) bool {
		executor, _ := runner.Of(t.Executor)
		return executor.Place != runner.InCluster
	}
	return o.tasks.record.place != recordAuto || remembers(tasks) || slices.ContainsFunc(tasks, func(t task.Task) bool { return !local(t) })
}

func (a *App) runPlan(ctx context.Context, o *runOptions, steps *runner.Steps, set taskSet, p plan.Plan, id string, ledger engine.Journal) error {
	bare := len(p.Steps) == 1 && o.output == ""
	if !bare || o.dryRun || a.planning != nil {
		a.announce(set, p.Tasks())
	}
	if a.planning != nil {
		return a.showPlan(ctx, &o.tasks, p, steps.Client, nil)
	}
	if o.dryRun {
		return report.Plan(a.Out, p)
	}
	if a.resuming != nil {
		if err := a.resuming.compare(inputsOf(set, nil), p, 0); err != nil {
			return err
		}
		if err := a.resuming.undecided(p); err != nil {
			return err
		}
	}
	if err := a.trust(ctx, &o.tasks, p); err != nil {
		return err
	}
	if err := a.confirm(ctx, &o.tasks, p.Tasks()); err != nil {
		return err
	}
	if err := checkKeptn(ctx, steps.Client, steps.Release.Namespace, p.Tasks(), nil); err != nil {
		return err
	}
	if o.tasks.record.place != recordNone {
		if err := checks.Allowed(ctx, steps.Client, p, rightsOf(p, o.tasks.record.place)); err != nil {
			return err
		}
		if a.resuming == nil {
			if err := checks.Admitted(ctx, steps, p); err != nil {
				return err
			}
		}
	}
	text := &report.Text{Log: a.ErrOut, Stdout: a.Out, Stderr: a.ErrOut}
	if o.output != "" {
		text.Stdout = a.ErrOut
	}
	e, data := o.tasks.engine(steps), &dataWriter{}
	show := text.Emit
	if bare {
		data.to = a.data(a.raw.Out, o.unmasked)
		program := &report.Passthrough{Stdout: data, Stderr: a.data(a.raw.ErrOut, false), Text: text}
		switch {
		case isTerminal(a.raw.Out):
		case o.unmasked || isFile(a.raw.Out):
			// It may be a backup, in which nothing must be replaced.
			program.Stdout, e.Data = nil, data
		default:
			program.MaskedNote = "secrets in what the task printed were replaced by ***; if it is data, such as a backup, write it to a file, or give --unmasked"
		}
		show = program.Emit
	}
	opening := opening{flags: &o.tasks.record, client: steps.Client, plan: p, id: id, keep: o.historyMax, inputs: inputsOf(set, nil)}
	if a.resuming != nil {
		e.Prior = a.resuming.earlier()
	}
	events, err := o.tasks.openEvents(id)
	if err != nil {
		return err
	}
	defer events.close(a)
	s, ctx, err := a.open(ctx, opening)
	if err != nil {
		return err
	}
	defer s.close(a)
	steps.RunID = id
	recordSteps(steps, s, a.resuming)
	e = s.engine(e, ledger)
	e.Emit = events.emit(s.emit(show))
	result := e.Run(ctx, p)
	steps.Close(a.tell)
	end := a.end(ctx, result, nil)
	if code, ok := ownExitCode(result); ok && end != nil && ExitCode(end) == exitFailed {
		// The program's code is the answer; its own output says the rest.
		end = runError{code, end}
	}
	if data.err != nil && end == nil {
		end = fmt.Errorf("the task succeeded, but what it printed is not complete: %w", data.err)
	}
	s.end(a, result, 0, ExitCode(end), false)
	if !bare {
		s.hint(a, end, result)
	}
	if o.output != "" {
		object := report.NewRun(p, result)
		object.ID, object.ExitCode = id, ExitCode(end)
		if err := a.printObject(o.output, object); err != nil {
			return err
		}
	}
	return end
}

// stopCommands keeps GitHub Actions from obeying what programs, charts and Helm's errors say as it is, until this
// program ends (docs.github.com, "Workflow commands": stop-commands). It speaks on standard error, which is the
// runner's as well, and leaves standard output the program's own.
func (a *App) stopCommands() {
	if os.Getenv("GITHUB_ACTIONS") != "true" || a.stopped {
		return
	}
	a.stopped = true
	token := rand.Text()
	fmt.Fprintf(a.raw.ErrOut, "::stop-commands::%s\n", token)
	a.onExit(func() { fmt.Fprintf(a.raw.ErrOut, "::%s::\n", token) })
}

// ownExitCode returns the exit code of the one task with the one target that ran; false when it is 0,
// for what failed then was not the program.
func ownExitCode(result engine.Result) (int, bool) {
	if len(result.Steps) != 1 || len(result.Steps[0].Targets) > 1 || result.Steps[0].ExitCode == nil {
		return 0, false
	}
	return *result.Steps[0].ExitCode, *result.Steps[0].ExitCode != 0
}

// stored returns the objects of the release that tasks are to run in.
func (a *App) stored(ctx context.Context, o *runOptions, namespace string) (func() ([]*unstructured.Unstructured, error), error) {
	helm := release.NewHelm(o.connection.settings, a.Out, a.ErrOut)
	if err := helm.Connect(ctx, o.connection.ConfigFlags, namespace); err != nil {
		return nil, err
	}
	if o.release == "" {
		names, err := helm.DeployedNames()
		if err != nil {
			return nil, &release.PreflightError{Err: err}
		}
		hint := fmt.Sprintf("namespace %q has no release", namespace)
		if len(names) > 0 {
			hint = fmt.Sprintf("namespace %q has %s", namespace, strings.Join(names, ", "))
		}
		return nil, usageError{fmt.Errorf("tasks that run in the pods of a release need --release NAME; %s", hint)}
	}
	objects, err := helm.StoredObjects(o.release)
	if err != nil {
		return nil, &release.PreflightError{Err: err}
	}
	return func() ([]*unstructured.Unstructured, error) { return objects, nil }, nil
}

// needsRelease reports whether one of the tasks runs in the pods of the release, whichever it is.
func needsRelease(tasks []task.Task) bool {
	return slices.ContainsFunc(tasks, func(t task.Task) bool {
		e, exec := t.Executor.(task.Exec)
		return exec && e.Target == "" && e.Selector == ""
	})
}
