package plugin

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
)

func (a *App) uninstallCommand(m mode) *cobra.Command {
	o := a.newHelmOptions(m)
	change := release.NewUninstall(o.helm)
	cmd := &cobra.Command{
		Use:     "uninstall RELEASE [...]",
		Aliases: []string{"del", "delete", "un"},
		Short:   "Uninstall a release with tasks around it",
		Long: `Uninstall releases like 'helm uninstall', with all of its flags, and run tasks around each:
pre-uninstall tasks, Helm's uninstall and post-uninstall tasks. The chart is not needed.`,
		Example: `  # Uninstall the release, and run the cleanup tasks of .draft-tasks.toml
  kubectl tasks uninstall web

  # Show the steps in their order, and change nothing
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
		return action.Usage(err)
	}
	operation, err := a.operations(ctx, o)
	if err != nil {
		return err
	}
	// All are prepared before the first is changed.
	var steps []func() error
	for _, name := range names {
		one := change.For(name)
		if o.mode.resume != nil {
			if name != o.mode.resume.Run.Release {
				continue // each release has its own run
			}
			one.Resume(o.mode.resume.Interrupted())
		}
		prepared, err := one.Prepare()
		if err != nil {
			return err
		}
		if one.NotFound() {
			steps = append(steps, func() error { return a.nothingToUninstall(o.mode, name, prepared) })
			continue
		}
		op := operation(name, func() (release.Change, error) {
			if this := prepared; this != nil {
				prepared = nil // it is used once: the next attempt prepares again
				return this, nil
			}
			return one.Prepare()
		})
		if err := op.Prepare(ctx); err != nil {
			return err
		}
		steps = append(steps, func() error { return a.carryOut(ctx, o.mode, op) })
	}
	var end error
	for _, step := range steps {
		if err := step(); err != nil {
			end = err
		}
		if end != nil && o.mode.plan == nil {
			break
		}
	}
	return end
}

// nothingToUninstall handles a release that does not exist, with --ignore-not-found.
func (a *App) nothingToUninstall(m mode, name string, change release.Change) error {
	a.say("release %q not found: nothing to uninstall, no task runs", name)
	if m.plan != nil {
		return nil
	}
	if err := change.Apply(); err != nil {
		return err
	}
	return a.printRelease(change, nil)
}
