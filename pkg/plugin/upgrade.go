package plugin

import (
	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
)

func (a *App) upgradeCommand(m mode) *cobra.Command {
	o := a.newHelmOptions(m)
	change := release.NewUpgrade(o.helm)
	cmd := &cobra.Command{
		Use:   "upgrade RELEASE CHART",
		Short: "Upgrade a release with tasks around it",
		Long: `Upgrade a release like 'helm upgrade', with all of its flags, and run tasks around it: pre-upgrade
tasks, Helm's upgrade and, when the release is ready, post-upgrade tasks. With --install, a release
that does not exist is installed, with the tasks of an install.`,
		Example: `  # Upgrade a release, or install it if it does not exist
  kubectl tasks upgrade web ./chart --install --wait

  # Run the tasks in two pods at a time
  kubectl tasks upgrade web ./chart --parallel 2`,
		Args:              arguments(2, 2),
		ValidArgsFunction: a.completeReleases(o.connection, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.deploy(cmd.Context(), o, change, args)
		},
	}
	change.AddFlags(cmd.Flags())
	o.addFlags(cmd)
	return cmd
}
