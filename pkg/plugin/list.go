package plugin

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
)

type listOptions struct {
	connection *connection
	tasks      taskFlags
	release    string
	output     string
}

func (a *App) listCommand() *cobra.Command {
	o := &listOptions{connection: newConnection()}
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List tasks",
		Long: `List the tasks of the task documents in the order of the documents, each with its phase, its executor
and its command. No task runs.`,
		Example: `  # List the tasks of the working directory
  kubectl tasks list

  # List the tasks in ConfigMaps annotated for a release
  kubectl tasks list --release web -o wide`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.list(cmd.Context(), o) },
	}
	fs := cmd.Flags()
	o.tasks.addSource(fs)
	o.tasks.addFilename(fs)
	fs.StringVarP(&o.release, "release", "r", "", "the release whose annotated ConfigMaps are read")
	addOutput(fs, &o.output, listFormats...)
	o.connection.addFlags(cmd)
	return cmd
}

var listFormats = []string{"wide", "name", "json", "yaml"}

func (a *App) list(ctx context.Context, o *listOptions) error {
	if err := checkOutput(o.output, listFormats...); err != nil {
		return err
	}
	definitions, err := a.definitions(o.connection, &o.tasks, o.release)
	if err != nil {
		return err
	}
	set, err := definitions.Read(ctx, true)
	if err != nil {
		return err
	}
	listed := report.NewTaskList(set.Tasks)
	switch o.output {
	case "json", "yaml":
		return a.printObject(o.output, listed)
	case "name":
		for _, t := range listed.Items {
			a.print("%s", t.Name)
		}
		return nil
	}
	table := tabwriter.NewWriter(a.Out, 0, 0, 3, ' ', 0)
	head := []string{"NAME", "PHASE", "EXECUTOR", "COMMAND"}
	if o.output == "wide" {
		head = append(head, "SOURCE")
	}
	fmt.Fprintln(table, strings.Join(head, "\t"))
	for _, t := range listed.Items {
		row := []string{t.Name, string(t.Phase), t.Executor, report.FirstLine(t.Command)}
		if o.output == "wide" {
			row = append(row, t.Position)
		}
		for i := range row {
			row[i] = shown("%s", strings.ReplaceAll(row[i], "\t", " "))
		}
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return table.Flush()
}

// definitions returns the task documents that the flags choose.
func (a *App) definitions(c *connection, tasks *taskFlags, release string) (*action.Definitions, error) {
	options, err := tasks.sourceOptions()
	return &action.Definitions{Request: action.Request{Config: a.config(), Connection: c.cluster, Options: options}, Release: release}, err
}
