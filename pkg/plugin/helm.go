package plugin

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/helm"
)

// helmOptions are what the commands that wrap one of Helm's share.
type helmOptions struct {
	connection *connection
	tasks      taskFlags
	hooks      hookFlags
	readiness  readinessFlags
	helm       *release.Helm
	voice      *voice
	// flags are those of the command.
	flags *pflag.FlagSet
	// running runs the hooks of the release that is being changed.
	running *helm.Hooks
}

func (a *App) newHelmOptions() *helmOptions {
	c := newConnection()
	return &helmOptions{connection: c, helm: release.NewHelm(c.settings, a.Out, a.ErrOut), voice: a.newVoice()}
}

func (o *helmOptions) addFlags(cmd *cobra.Command) {
	o.flags = cmd.Flags()
	o.tasks.addSource(cmd.Flags())
	o.tasks.addRun(cmd.Flags())
	o.tasks.record.addFlags(cmd.Flags())
	cmd.Flags().BoolVar(&o.tasks.heal, "heal", false, "go on with a release that has been pending for long, when no other Helm is at work on it: mark the revision as failed first")
	o.hooks.addFlags(cmd.Flags())
	o.readiness.addFlags(cmd.Flags())
	o.connection.addHelmFlags(cmd)
}

// connect gives Helm its cluster and returns the namespace.
func (o *helmOptions) connect(ctx context.Context) (string, error) {
	if err := errors.Join(o.tasks.validate(), o.checkInput()); err != nil {
		return "", err
	}
	return o.reach(ctx)
}

// checkInput returns an error when standard input, which can be read only once, is wanted for tasks and for values.
func (o *helmOptions) checkInput() error {
	if !slices.Contains(o.tasks.references, "-") {
		return nil
	}
	values, _ := o.flags.GetStringSlice("values") // an uninstall has none
	files, _ := o.flags.GetStringArray("set-file")
	if slices.Contains(values, "-") || slices.ContainsFunc(files, func(f string) bool { return strings.HasSuffix(f, "=-") }) {
		return usageError{errors.New("standard input can be read only once, and --tasks and --values or --set-file both name it; write one of them to a file")}
	}
	return nil
}

// reach is connect for commands without tasks.
func (o *helmOptions) reach(ctx context.Context) (string, error) {
	if err := o.hooks.validate(); err != nil {
		return "", err
	}
	how, err := o.readiness.read()
	if err != nil {
		return "", err
	}
	how.Progress, how.Note = o.voice.waiting, o.voice.note
	o.helm.SetCluster(ready.Waiter{Client: o.connection.client()}, how)
	o.helm.SetHooks(release.HookMode(o.hooks.mode), func(ctx context.Context, event string, hooks []*release.Hook) error {
		return o.running.Run(ctx, event, hooks)
	})
	namespace, err := o.connection.namespace()
	if err != nil {
		return "", usageError{err}
	}
	return namespace, o.helm.Connect(ctx, o.connection.ConfigFlags, namespace)
}

// hooksOf returns what runs the hooks of a release, in pods as the steps' own.
func (o *helmOptions) hooksOf(steps *runner.Steps) *helm.Hooks {
	return &helm.Hooks{
		Cluster: steps.Client, Pods: steps.Pods, Operation: steps.Operation, Release: steps.Release,
		Parallel: o.helm.HookMode() == release.HooksParallel,
	}
}

// deploy is an install or an upgrade.
type deploy interface {
	Name(args []string) (string, error)
	Resume(run release.Interrupted)
	Prepare() (release.Change, error)
}

func (a *App) deploy(ctx context.Context, o *helmOptions, change deploy, args []string) error {
	namespace, err := o.connect(ctx)
	if err != nil {
		return err
	}
	name, err := change.Name(args)
	if err != nil {
		return usageError{err}
	}
	if a.resuming != nil {
		change.Resume(a.resuming.begun())
	}
	return a.settled(ctx, o, namespace, name, func() error {
		change, err := change.Prepare()
		if err != nil {
			if refused := (*release.PreflightError)(nil); errors.As(err, &refused) {
				return err
			}
			return usageError{err}
		}
		prepared, err := a.prepare(ctx, o, o.connection.client(), change, plan.Release{Name: name, Namespace: namespace})
		if err != nil {
			return err
		}
		return a.perform(ctx, prepared)
	})
}
