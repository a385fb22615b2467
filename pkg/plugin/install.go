package plugin

import (
	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
)

func (a *App) installCommand(m mode) *cobra.Command {
	o := a.newHelmOptions(m)
	change := release.NewInstall(o.helm)
	cmd := &cobra.Command{
		Use:   "install [NAME] CHART",
		Short: "Install a chart with tasks around it",
		Long: `Install a chart like 'helm install', with all of its flags, and run tasks around it: pre-install
tasks, Helm's install and, when the release is ready, post-install tasks.

The result is an ordinary release, which helm can list, upgrade and uninstall. A task that fails
stops the run with exit code 1. If it fails after Helm's install, the release stays deployed, unless
the task specifies a rollback.`,
		Example: `  # Run the tasks of the working directory or, if it has none, of ConfigMaps annotated for web
  kubectl tasks install web ./chart --wait

  # Run the tasks of a file
  kubectl tasks install web ./chart --tasks deploy/.draft-tasks.toml

  # Run the tasks of a ConfigMap in the release's namespace
  kubectl tasks install web ./chart --tasks configmap/web-tasks

  # Show the steps in their order, and change nothing
  kubectl tasks install web ./chart --dry-run=server`,
		Args: arguments(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.deploy(cmd.Context(), o, change, args)
		},
	}
	change.AddFlags(cmd.Flags())
	o.addFlags(cmd)
	return cmd
}
