package plugin

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func (a *App) testCommand() *cobra.Command {
	o := a.newHelmOptions()
	test := release.NewTest(o.helm)
	cmd := &cobra.Command{
		Use:   "test RELEASE",
		Short: "Run the tests of a release",
		Long: `Run the tests of a release as 'helm test' does, with every flag it has: the hooks of its chart for
the event "test". What they print is shown while they run, each has its own time, and those of equal
weight run at once with --hooks=parallel.`,
		Example: `  # Run the tests of the release
  kubectl tasks test web

  # Run those of equal weight at once, and give each two minutes
  kubectl tasks test web --hooks=parallel --timeout 2m`,
		Args:              arguments(1, 1),
		ValidArgsFunction: a.completeReleases(o.connection, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.test(cmd.Context(), o, test, args[0])
		},
	}
	test.AddFlags(cmd.Flags())
	o.hooks.addFlags(cmd.Flags())
	o.readiness.addFlags(cmd.Flags())
	o.connection.addHelmFlags(cmd)
	return cmd
}

func (a *App) test(ctx context.Context, o *helmOptions, test *release.Test, name string) error {
	if err := test.Validate(); err != nil {
		return usageError{err}
	}
	namespace, err := o.reach(ctx)
	if err != nil {
		return err
	}
	a.stopCommands()
	steps := &runner.Steps{Client: o.connection.client(), Operation: task.Run, Release: plan.Release{Name: name, Namespace: namespace}}
	o.running = o.hooksOf(steps)
	o.running.Emit = o.voice.Emit
	test.SecretsOf = steps.SecretsOf
	end := test.Run(name)
	for _, then := range []func() error{func() error { return a.printRelease(test, nil) }, test.Cleanup} {
		if err := then(); end == nil {
			end = err
		}
	}
	if refused := (*release.PreflightError)(nil); end == nil || errors.As(end, &refused) {
		return end
	}
	if code, ok := interruption(ctx); ok {
		return runError{code, context.Cause(ctx)}
	}
	code := exitFailed
	if timedOut(end) {
		code = exitTimeout
	}
	return runError{code, fmt.Errorf("test: %w", end)}
}
