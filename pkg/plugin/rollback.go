package plugin

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
)

func (a *App) rollbackCommand(m mode) *cobra.Command {
	o := a.newHelmOptions(m)
	change := release.NewRollback(o.helm)
	cmd := &cobra.Command{
		Use:   "rollback RELEASE [REVISION]",
		Short: "Roll a release back with tasks around it",
		Long: `Roll a release back like 'helm rollback', with all of its flags, and run tasks around it: first the
undos of the tasks of later revisions, then pre-rollback tasks, Helm's rollback and, when the release
is ready, post-rollback tasks. Without a revision, or with 0, it rolls back to the previous revision.`,
		Example: `  # Roll back to the previous revision
  kubectl tasks rollback web

  # Roll back to revision 1, and wait for its pods
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
		return action.Usage(err)
	}
	operation, err := a.operations(ctx, o)
	if err != nil {
		return err
	}
	if o.mode.resume != nil {
		change.Resume(o.mode.resume.Interrupted())
	}
	return a.carryOut(ctx, o.mode, operation(name, change.Prepare))
}
