package plugin

import (
	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/draft"
)

func (a *App) createCommand() *cobra.Command {
	var pack string
	cmd := &cobra.Command{
		Use:   "create [DIR]",
		Short: "Create a task file for an application",
		Long: `Create a ` + draft.FileName + ` for the application in DIR (default the working directory):
a copy of the tasks.toml of a Draft pack, or an empty file. An existing file is not changed.`,
		Example: `  # Create an empty task file
  kubectl tasks create

  # Copy the tasks of a Draft pack
  kubectl tasks create --pack ~/.draft/packs/python`,
		Args: arguments(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			return a.create(dir, pack)
		},
	}
	cmd.Flags().StringVar(&pack, "pack", "", "the directory of a Draft pack")
	return cmd
}

func (a *App) create(dir, pack string) error {
	created, err := action.Create(dir, pack)
	switch {
	case err != nil:
		return err
	case !created.New:
		a.print("%s already exists, and was not changed", created.Path)
	case created.From != "":
		a.print("%s created from %s", created.Path, created.From)
	default:
		a.print("%s created", created.Path)
	}
	return nil
}
