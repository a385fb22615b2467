package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
)

type convertOptions struct {
	connection *connection
	tasks      taskFlags
	to         string
}

func (a *App) convertCommand() *cobra.Command {
	o := &convertOptions{connection: newConnection()}
	cmd := &cobra.Command{
		Use:   "convert [FILE]",
		Short: "Convert a task file to tasks.yaml",
		Long: `Convert a task file of another format to tasks.yaml. Comments mark the differences between the formats.
No task runs, and an existing file is not overwritten.`,
		Example: `  # Convert Draft's file of the working directory
  kubectl tasks convert .draft-tasks.toml

  # Convert Lagoon's file
  kubectl tasks convert .lagoon.yml

  # Write the result to a file
  kubectl tasks convert .draft-tasks.toml --to deploy/tasks.yaml`,
		Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.convert(cmd.Context(), o, args) },
	}
	fs := cmd.Flags()
	o.tasks.addSource(fs)
	o.tasks.addFilename(fs)
	fs.StringVar(&o.to, "to", "", "the file to write (default standard output)")
	o.connection.addFlags(cmd)
	return cmd
}

func (a *App) convert(ctx context.Context, o *convertOptions, files []string) error {
	o.tasks.references = append(o.tasks.references, files...)
	definitions, err := a.definitions(o.connection, &o.tasks, "")
	if err != nil {
		return err
	}
	documents, err := definitions.Documents(ctx)
	if err != nil {
		return err
	}
	documents = slices.DeleteFunc(documents, func(d format.Document) bool { return !format.Converts(d.Format) })
	switch {
	case len(documents) == 0:
		return action.Usage(errors.New("nothing to convert: the file is already a tasks.yaml; name a file of another format"))
	case len(documents) > 1:
		return action.Usage(fmt.Errorf("found %s and %s; name one of them", documents[0].Name, documents[1].Name))
	}
	text, found, err := format.Convert(documents[0], definitions.Options.Read)
	if err != nil {
		return err
	}
	for _, d := range found {
		a.say("%s: %s: %s", d.Position, d.Severity, d.Message)
	}
	if o.to == "" {
		_, err = a.data(a.raw.Out, false).Write(text)
		return err
	}
	file, err := os.OpenFile(o.to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666) //nolint:gosec // the mode of a file that an editor creates
	if err != nil {
		return action.Usage(err)
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}
