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
		Short: "Give an application a task file",
		Long: `Give the application in DIR (by default the working directory) a ` + draft.FileName + `:
the tasks.toml of a Draft pack, or an empty file. A file that is there is left as it is.`,
		Example: `  # An empty task file
  kubectl tasks create

  # The tasks of a Draft pack
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
	cmd.Flags().StringVar(&pack, "pack", "", "directory of a Draft pack")
	return cmd
}

func (a *App) create(dir, pack string) error {
	created, err := action.Create(dir, pack)
	switch {
	case err != nil:
		return err
	case !created.New:
		a.print("%s exists and was left as it is", created.Path)
	case created.From != "":
		a.print("%s created from %s", created.Path, created.From)
	default:
		a.print("%s created", created.Path)
	}
	return nil
}
