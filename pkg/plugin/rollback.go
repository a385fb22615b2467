package plugin

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
)

func (a *App) rollbackCommand() *cobra.Command {
	o := a.newHelmOptions()
	change := release.NewRollback(o.helm)
	cmd := &cobra.Command{
		Use:   "rollback RELEASE [REVISION]",
		Short: "Roll a release back with tasks around it",
		Long: `Roll a release back as 'helm rollback' does, with every flag it has, and run tasks around it:
first what takes back what tasks did for the revisions that are left, then pre-rollback tasks,
Helm's rollback and, when the release is ready, post-rollback tasks.
Without a revision, or with 0, it goes back to the one before.`,
		Example: `  # Go back to the revision before
  kubectl tasks rollback web

  # Go back to revision 1, and wait for its pods
  kubectl tasks rollback web 1 --wait`,
		Args:              arguments(1, 2),
		ValidArgsFunction: a.completeReleases(o.connection, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.rollback(cmd.Context(), o, change, args)
		},
	}
	change.AddFlags(cmd.Flags())
	o.addFlags(cmd)
	return cmd
}

func (a *App) rollback(ctx context.Context, o *helmOptions, change *release.Rollback, args []string) error {
	name, err := change.Name(args)
	if err != nil {
		return usageError{err}
	}
	namespace, err := o.connect(ctx)
	if err != nil {
		return err
	}
	if a.resuming != nil {
		change.Resume(a.resuming.begun())
	}
	return a.settled(ctx, o, namespace, name, func() error {
		change, err := change.Prepare()
		if err != nil {
			return err
		}
		prepared, err := a.prepare(ctx, o, o.connection.client(), change, plan.Release{Name: name, Namespace: namespace})
		if err != nil {
			return err
		}
		return a.perform(ctx, prepared)
	})
}
