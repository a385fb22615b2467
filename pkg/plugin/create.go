package plugin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/draft"
)

// packTasks is the file of a Draft pack that becomes the application's tasks (spec draft.md
// § 1.2, "draft create").
const packTasks = "tasks.toml"

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
	var text []byte
	mode := fs.FileMode(0o644)
	from := ""
	if pack != "" {
		info, err := os.Stat(pack)
		if err != nil {
			return usageError{err}
		}
		if !info.IsDir() {
			return usageError{fmt.Errorf("%s: a pack is a directory", pack)}
		}
		path := filepath.Join(pack, packTasks)
		switch info, err := os.Stat(path); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return usageError{err}
		default:
			if text, err = os.ReadFile(path); err != nil {
				return usageError{err}
			}
			mode, from = info.Mode().Perm(), " from "+path
		}
	}
	target := filepath.Join(dir, draft.FileName)
	file, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		a.print("%s exists and was left as it is", target)
		return nil
	}
	if err != nil {
		return usageError{err}
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		// Half a task file would be run as if it were whole.
		return errors.Join(err, os.Remove(target))
	}
	a.print("%s created%s", target, from)
	return nil
}
