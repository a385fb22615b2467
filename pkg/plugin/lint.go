package plugin

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
)

type lintOptions struct {
	connection *connection
	tasks      taskFlags
	release    string
	output     string
}

func (a *App) lintCommand() *cobra.Command {
	o := &lintOptions{connection: newConnection()}
	cmd := &cobra.Command{
		Use:   "lint [FILE...]",
		Short: "Check task files",
		Long: `Check task files, each as a run of its own, and print each finding with its position and a
correction. No task runs. The exit code is 3 if there are errors, and 0 if there are only warnings.`,
		Example: `  # Check the task file of the working directory
  kubectl tasks lint

  # Check one file
  kubectl tasks lint deploy/.draft-tasks.toml

  # Print the findings as JSON, or as annotations of a GitHub workflow
  kubectl tasks lint -o json
  kubectl tasks lint -o github`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.lint(cmd.Context(), o, args) },
	}
	fs := cmd.Flags()
	o.tasks.addSource(fs)
	o.tasks.addFilename(fs)
	fs.StringVarP(&o.release, "release", "r", "", "the release whose annotated ConfigMaps are checked")
	addOutput(fs, &o.output, "json", "github")
	o.connection.addFlags(cmd)
	return cmd
}

func (a *App) lint(ctx context.Context, o *lintOptions, files []string) error {
	if err := checkOutput(o.output, "json", "github"); err != nil {
		return err
	}
	o.tasks.references = append(o.tasks.references, files...)
	definitions, err := a.definitions(o.connection, &o.tasks, o.release)
	if err != nil {
		return err
	}
	set, err := definitions.Lint(ctx, files)
	if err != nil {
		return err
	}
	switch o.output {
	case "json":
		if err := a.printObject(o.output, report.Findings(set.Diagnostics)); err != nil {
			return err
		}
	case "github":
		report.LintGitHub(a.raw.Out, set.Diagnostics)
	default:
		report.Lint(a.Out, set.Diagnostics)
	}
	if set.Diagnostics.Err() != nil {
		return action.SilentError{Code: action.ExitUsage}
	}
	if o.output == "" {
		a.say("%s, no errors, %s", counted(len(set.Tasks), "task"), counted(len(set.Diagnostics), "warning"))
	}
	return nil
}
