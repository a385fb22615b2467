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
		Long: `Install a chart as 'helm install' does, with every flag it has, and run tasks around it:
pre-install tasks, Helm's install, then, when the release is ready, post-install tasks.

The release is an ordinary one: helm lists, upgrades and removes it. A task that fails
stops the run with exit code 1; when that is after Helm's part, the release stays deployed, unless
the task asks for a rollback.`,
		Example: `  # Tasks of tasks.yaml or .draft-tasks.toml in the working directory, or of a ConfigMap annotated for web
  kubectl tasks install web ./chart --wait

  # Tasks of a certain file
  kubectl tasks install web ./chart --tasks deploy/.draft-tasks.toml

  # Tasks of a ConfigMap in the release's namespace
  kubectl tasks install web ./chart --tasks configmap/web-tasks

  # Show each task in its place, change nothing
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
