package plugin

import (
	"context"

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
		Args:              arguments(1, -1),
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
	// All are prepared before the first is touched.
	var steps []func() error
	for _, name := range names {
		one := change.For(name)
		if a.resuming != nil {
			if name != a.resuming.run.Release {
				continue // each release has a run of its own
			}
			one.Resume(a.resuming.begun())
		}
		change, err := one.Prepare()
		if err != nil {
			return err
		}
		if one.NotFound() {
			steps = append(steps, func() error { return a.nothingToUninstall(name, one) })
			continue
		}
		rel := plan.Release{Name: name, Namespace: namespace}
		prepared, err := a.prepare(ctx, o, client, change, rel)
		if err != nil {
			return err
		}
		steps = append(steps, func() error {
			return a.settled(ctx, o, namespace, name, func() error {
				if prepared == nil {
					if change, err = one.Prepare(); err != nil {
						return err
					}
					if prepared, err = a.prepare(ctx, o, client, change, rel); err != nil {
						return err
					}
				}
				this := prepared
				prepared = nil // another time it has to be done anew
				return a.perform(ctx, this)
			})
		})
	}
	var end error
	for _, step := range steps {
		if err := step(); err != nil {
			end = err
		}
		if end != nil && a.planning == nil {
			break
		}
	}
	return end
}

// nothingToUninstall is the uninstall of a release that is not there, with --ignore-not-found.
func (a *App) nothingToUninstall(name string, change *release.Uninstall) error {
	a.say("release %q not found: nothing to uninstall, no task is run", name)
	if a.planning != nil {
		return nil
	}
	if err := change.Apply(); err != nil {
		return err
	}
	return a.printRelease(change, nil)
}
