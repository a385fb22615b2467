package plugin

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source/lagoon"
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
		Long: `List the tasks that a run would read, in the order of their document: with their phase,
where they run and their command as written. Nothing is run.`,
		Example: `  # Tasks of the working directory
  kubectl tasks list

  # Tasks in ConfigMaps annotated for a release
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
	set, err := a.definitions(ctx, o.connection, &o.tasks, o.release)
	if err != nil {
		return err
	}
	a.announce(set, nil)
	listed := report.NewTaskList(set.tasks)
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

// definitions reads tasks for looking at them.
func (a *App) definitions(ctx context.Context, c *connection, tasks *taskFlags, name string) (taskSet, error) {
	documents, err := a.documents(ctx, c, tasks, name)
	if err != nil {
		return taskSet{}, err
	}
	// The variables of a run are known by name, so that they are not reported as unset.
	rel := plan.Release{Name: name}
	options := format.Options{Getenv: newEnvironment("", rel).Lookup, Facts: facts("", rel), Lenient: true}
	lagoon.AddGit(&options.Lagoon, "")
	return tasks.read(documents, options)
}

// documents finds documents for looking at them; none is an error. The cluster is asked only when the
// flags name something in it.
func (a *App) documents(ctx context.Context, c *connection, tasks *taskFlags, name string) ([]format.Document, error) {
	var client *kube.Client
	namespace := ""
	if name != "" || namesConfigMap(tasks.references) {
		var err error
		if namespace, err = c.namespace(); err != nil {
			return nil, usageError{err}
		}
		client = c.client()
	}
	var from chart
	if name != "" {
		from.files = c.storedFiles(ctx, name, namespace)
	}
	documents, looked, err := a.find(ctx, tasks, client, plan.Release{Name: name, Namespace: namespace}, from)
	if err == nil && len(documents) == 0 {
		err = usageError{noTasks(looked)}
	}
	return documents, err
}

func namesConfigMap(references []string) bool {
	for _, r := range references {
		if kind, _, ok := strings.Cut(r, "/"); ok && (kind == "configmap" || kind == "configmaps" || kind == "cm") {
			return true
		}
	}
	return false
}
