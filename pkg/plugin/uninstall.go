package plugin

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
)

func (a *App) uninstallCommand() *cobra.Command {
	o := a.newHelmOptions()
	change := release.NewUninstall(o.helm)
	cmd := &cobra.Command{
		Use:     "uninstall RELEASE [...]",
		Aliases: []string{"del", "delete", "un"},
		Short:   "Uninstall a release with tasks around it",
		Long: `Uninstall releases as 'helm uninstall' does, with every flag it has, and run tasks around
each: pre-uninstall tasks, Helm's uninstall, then the cleanup tasks. The chart is not needed.`,
		Example: `  # Remove the release, then run the cleanup tasks of .draft-tasks.toml
  kubectl tasks uninstall web

  # What would be removed and run
  kubectl tasks uninstall web --dry-run`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeReleases(o.connection, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.uninstall(cmd.Context(), o, change, args)
		},
	}
	change.AddFlags(cmd.Flags())
	o.addFlags(cmd)
	return cmd
}

func (a *App) uninstall(ctx context.Context, o *helmOptions, change *release.Uninstall, names []string) error {
	if err := change.Validate(); err != nil {
		return usageError{err}
	}
	namespace, err := o.connect(ctx)
	if err != nil {
		return err
	}
	client := o.connection.client()
	for _, name := range names {
		one := change.Of(name)
		if err := one.Prepare(); err != nil {
			return err
		}
		if one.NotFound() {
			fmt.Fprintf(a.ErrOut, "release %q not found: nothing to uninstall, no task is run\n", name)
			if err := one.Apply(); err != nil {
				return err
			}
			if err := one.Print(a.Out, nil); err != nil {
				return err
			}
			continue
		}
		if err := a.around(ctx, &o.tasks, client, one, plan.Release{Name: name, Namespace: namespace}); err != nil {
			return err
		}
	}
	return nil
}
