package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
)

// helmOptions are the common options of the commands that call Helm.
type helmOptions struct {
	mode       mode
	connection *connection
	tasks      taskFlags
	heal       bool
	hooks      hookFlags
	readiness  readinessFlags
	helm       *release.Helm
	progress   *progress
	// flags are those of the command.
	flags *pflag.FlagSet
}

func (a *App) newHelmOptions(m mode) *helmOptions {
	c := newConnection()
	return &helmOptions{mode: m, connection: c, helm: release.NewHelm(c.settings, a.Out, a.ErrOut), progress: a.newProgress()}
}

func (o *helmOptions) addFlags(cmd *cobra.Command) {
	o.flags = cmd.Flags()
	o.tasks.addSource(cmd.Flags())
	o.tasks.addRun(cmd.Flags())
	o.tasks.record.addFlags(cmd.Flags())
	cmd.Flags().BoolVar(&o.heal, "heal", false, "mark a revision that is stuck in pending as failed, and continue, if no other Helm process works on the release")
	o.hooks.addFlags(cmd.Flags())
	o.readiness.addFlags(cmd.Flags())
	o.connection.addHelmFlags(cmd)
}

// newOperation makes an operation on a release.
type newOperation func(name string, change func() (release.Change, error)) *action.Operation

// operations connects Helm to the cluster, and returns a function that makes operations with the options of the flags.
func (a *App) operations(ctx context.Context, o *helmOptions) (newOperation, error) {
	options, err := o.tasks.options()
	if err := errors.Join(err, o.checkInput()); err != nil {
		return nil, err
	}
	helm, namespace, err := o.connect(ctx)
	if err != nil {
		return nil, err
	}
	request := a.request(o.mode, o.connection, options)
	request.Present = func(id string, p plan.Plan) (action.Presentation, error) {
		events, err := o.tasks.openEvents(id)
		if err != nil {
			return action.Presentation{}, err
		}
		shown := action.Presentation{Emit: events.emit, EmitHook: action.All(o.progress.emit, events.emit), Close: func() { events.close(a) }}
		if len(p.Tasks()) > 0 {
			shown.Emit = shown.EmitHook
		}
		return shown, nil
	}
	request.DryRun = func(p plan.Plan) error {
		if len(p.Tasks()) == 0 {
			return nil
		}
		a.say("dry run: these steps do not run")
		return report.Plan(a.ErrOut, p)
	}
	return func(name string, change func() (release.Change, error)) *action.Operation {
		return &action.Operation{Request: request, Helm: helm, Release: plan.Release{Name: name, Namespace: namespace}, Change: change, Heal: o.heal}
	}, nil
}

// request returns the part of an action that is the same for all commands.
func (a *App) request(m mode, c *connection, options action.Options) action.Request {
	r := action.Request{Config: a.config(), Connection: c.cluster, Options: options, Resume: m.resume}
	if m.plan != nil {
		r.Mode = action.Plan
	}
	r.Record.Command = func() []string { return a.commandLine(m.args) }
	return r
}

// checkInput returns an error if two flags read standard input.
func (o *helmOptions) checkInput() error {
	if !slices.Contains(o.tasks.references, "-") {
		return nil
	}
	values, _ := o.flags.GetStringSlice("values") // an uninstall has none
	files, _ := o.flags.GetStringArray("set-file")
	if slices.Contains(values, "-") || slices.ContainsFunc(files, func(f string) bool { return strings.HasSuffix(f, "=-") }) {
		return action.Usage(errors.New("standard input can be read only once, and --tasks and --values or --set-file both name it; write one of them to a file"))
	}
	return nil
}

// connect connects Helm to the cluster, and returns it with the namespace.
func (o *helmOptions) connect(ctx context.Context) (*action.Helm, string, error) {
	if err := o.hooks.validate(); err != nil {
		return nil, "", err
	}
	options := action.HelmOptions{Hooks: release.HookMode(o.hooks.mode), Waiting: o.progress.lines, Note: o.progress.note}
	o.readiness.fill(&options)
	return o.connection.cluster.Connect(ctx, o.helm, options)
}

// finish shows the result of an operation, and returns the error that ends the command.
func (a *App) finish(ctx context.Context, m mode, result *action.Result, end error) error {
	if result == nil {
		return end
	}
	if m.plan != nil {
		return a.showPlan(ctx, m.plan, result)
	}
	var run any
	if result.Ran && len(result.Plan.Tasks()) > 0 {
		run = result.Report()
	}
	if !result.Ran && end != nil {
		return end
	}
	if err := a.printRelease(result.Change, run); err != nil && end == nil {
		end = err
	}
	a.closing(result)
	return end
}

// closing writes the messages for the end of a command.
func (a *App) closing(result *action.Result) {
	for _, message := range result.Closing {
		fmt.Fprintln(a.ErrOut, message)
	}
}

// deployment is an install or an upgrade.
type deployment interface {
	Name(args []string) (string, error)
	Resume(run release.Interrupted)
	Prepare() (release.Change, error)
}

// deploy installs or upgrades a release.
func (a *App) deploy(ctx context.Context, o *helmOptions, change deployment, args []string) error {
	operation, err := a.operations(ctx, o)
	if err != nil {
		return err
	}
	name, err := change.Name(args)
	if err != nil {
		return action.Usage(err)
	}
	if o.mode.resume != nil {
		change.Resume(o.mode.resume.Interrupted())
	}
	op := operation(name, func() (release.Change, error) {
		prepared, err := change.Prepare()
		if refused := (*release.PreflightError)(nil); err != nil && !errors.As(err, &refused) {
			err = action.Usage(err)
		}
		return prepared, err
	})
	return a.carryOut(ctx, o.mode, op)
}

// carryOut runs an operation and shows its result.
func (a *App) carryOut(ctx context.Context, m mode, op *action.Operation) error {
	a.stopCommands()
	result, end := op.Run(ctx)
	return a.finish(ctx, m, result, end)
}
