package plugin

import (
	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/native"
)

func (a *App) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of tasks.yaml",
		Long: `Print the JSON Schema (draft 2020-12) of tasks.yaml, with which editors complete and check a file.
'kubectl tasks lint' also checks names, cycles and expressions.`,
		Example: `  # Use the schema with the YAML language server of an editor: the second line is the first of tasks.yaml
  kubectl tasks schema > tasks.schema.json
  echo '# yaml-language-server: $schema=tasks.schema.json'`,
		Args: arguments(0, 0),
		RunE: func(*cobra.Command, []string) error { return a.printObject("json", native.Schema()) },
	}
}
