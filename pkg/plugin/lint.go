package plugin

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
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
		Long: `Check task files, each as a run of its own, and show each finding with its position and what to write
instead. Nothing is run. The exit code is 3 when there is an error, 0 when there are only
warnings.`,
		Example: `  # The task file of the working directory
  kubectl tasks lint

  # A certain file
  kubectl tasks lint deploy/.draft-tasks.toml

  # For a program, and for a workflow of GitHub
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
	set, err := a.definitions(ctx, o.connection, &o.tasks, o.release)
	var found task.Diagnostics
	if err != nil && !errors.As(err, &found) {
		return err
	}
	if err == nil {
		// What single documents cannot know, such as a name that two of them use.
		for _, tasks := range runsOf(set.tasks, files) {
			for _, op := range []task.Operation{task.Install, task.Upgrade, task.Uninstall} {
				if _, err := plan.Build(op, plan.Release{}, tasks); errors.As(err, &found) {
					set.diagnostics = append(set.diagnostics, found...)
					break
				}
			}
		}
	}
	set.diagnostics.Sort()
	switch o.output {
	case "json":
		if err := a.printObject(o.output, report.Findings(set.diagnostics)); err != nil {
			return err
		}
	case "github":
		report.LintGitHub(a.raw.Out, set.diagnostics)
	default:
		report.Lint(a.Out, set.diagnostics)
	}
	if set.diagnostics.Err() != nil {
		return silentError{exitUsage}
	}
	if o.output == "" {
		a.say("%s, no error, %s", counted(len(set.tasks), "task"), counted(len(set.diagnostics), "warning"))
	}
	return nil
}

// runsOf returns the tasks that belong together: those of each file, and all that --tasks names. A directory is one
// run, as a release is.
func runsOf(tasks []task.Task, files []string) [][]task.Task {
	of := map[string][]task.Task{}
	for _, t := range tasks {
		run := ""
		for _, f := range files {
			if filepath.Dir(t.Source.Name) == filepath.Clean(f) && run == "" || t.Source.Name == f {
				run = f
			}
		}
		of[run] = append(of[run], t)
	}
	all := make([][]task.Task, 0, len(of))
	for _, run := range slices.Sorted(maps.Keys(of)) {
		all = append(all, of[run])
	}
	return all
}
