package plugin

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
)

func (a *App) testCommand() *cobra.Command {
	o := a.newHelmOptions(mode{})
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
		return action.Usage(err)
	}
	helm, namespace, err := o.connect(ctx)
	if err != nil {
		return err
	}
	a.stopCommands()
	tests := action.Test{
		Connection: o.connection.cluster, Helm: helm, Test: test, Release: plan.Release{Name: name, Namespace: namespace}, Emit: o.progress.emit,
		Print: func() error { return a.printRelease(test, nil) },
	}
	return tests.Run(ctx)
}
