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
		Long: `Run the tests of a release like 'helm test', with all of its flags: the hooks of its chart for the
event "test". Their output is shown while they run, and each test has its own timeout. With
--hooks=parallel, tests of equal weight run at the same time.`,
		Example: `  # Run the tests of the release
  kubectl tasks test web

  # Run tests of equal weight at the same time, each with a timeout of two minutes
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
