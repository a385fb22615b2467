package plugin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/draft"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/lagoon"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/native"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
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
		Long: `Convert a task file of another format to tasks.yaml. Where the two differ, a comment says how.
Nothing is run, and no file that exists is overwritten.`,
		Example: `  # Draft's file of the working directory, to standard output
  kubectl tasks convert .draft-tasks.toml

  # Lagoon's
  kubectl tasks convert .lagoon.yml

  # Into a file
  kubectl tasks convert .draft-tasks.toml --to deploy/tasks.yaml`,
		Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.convert(cmd.Context(), o, args) },
	}
	fs := cmd.Flags()
	o.tasks.addSource(fs)
	o.tasks.addFilename(fs)
	fs.StringVar(&o.to, "to", "", "the file to write; by default standard output")
	o.connection.addFlags(cmd)
	return cmd
}

func (a *App) convert(ctx context.Context, o *convertOptions, files []string) error {
	o.tasks.references = append(o.tasks.references, files...)
	documents, err := a.documents(ctx, o.connection, &o.tasks, "")
	if err != nil {
		return err
	}
	documents = slices.DeleteFunc(documents, func(d source.Document) bool { return d.Format == "native" })
	switch {
	case len(documents) == 0:
		return usageError{errors.New("there is nothing to convert: it is a tasks.yaml already; name a file of another format")}
	case len(documents) > 1:
		return usageError{fmt.Errorf("there are %s and %s; name one of them", documents[0].Name, documents[1].Name)}
	}
	text, found, err := convert(documents[0], &o.tasks)
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
	file, err := os.OpenFile(o.to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666) //nolint:gosec // as any editor makes it
	if err != nil {
		return usageError{err}
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}

// convert returns a document as a tasks.yaml.
func convert(d source.Document, o *taskFlags) ([]byte, task.Diagnostics, error) {
	var made native.Writing
	var deviations []string
	var found task.Diagnostics
	switch d.Format {
	case "draft":
		made, deviations, found = convertDraft(d, o.draftShell)
	case "keptn":
		made.Tasks, found = keptn.Convert(d.Text, keptn.Options{Source: d.Source})
		deviations = keptn.Deviations
		for i := range made.Tasks {
			made.Tasks[i].Executor = withExpressions(made.Tasks[i].Executor)
		}
	default:
		given, err := o.lagoon.given()
		if err != nil {
			return nil, nil, usageError{err}
		}
		made, deviations, found = convertLagoon(d, given)
	}
	if err := found.Err(); err != nil {
		return nil, nil, err
	}
	made.Head = append([]string{"Made from " + d.Name + ". Lines with a number sign tell what is not the same."}, deviations...)
	text, err := native.Write(made)
	return text, found, err
}

func convertDraft(d source.Document, shell bool) (native.Writing, []string, task.Diagnostics) {
	env := map[string]bool{}
	// The variables of a run have names in expressions; others are those of the machine.
	named := map[string]string{
		"TASKS_RELEASE": "release.name", "TASKS_NAMESPACE": "release.namespace", "TASKS_OPERATION": "operation", "TASKS_PHASE": "phase",
	}
	tasks, found := draft.Parse(d.Text, draft.Options{Source: d.Source, Shell: shell, Getenv: func(name string) (string, bool) {
		expression, ok := named[name]
		if !ok {
			expression, env[name] = "env."+name, true
		}
		return begin + expression + end, true
	}})
	for i := range tasks {
		tasks[i].Executor = withExpressions(tasks[i].Executor)
	}
	return native.Writing{Tasks: tasks, Env: slices.Sorted(maps.Keys(env))}, draft.Deviations, found
}

func convertLagoon(d source.Document, given map[string]string) (native.Writing, []string, task.Diagnostics) {
	made, found := lagoon.Convert(d.Text, lagoon.Options{Source: d.Source, ReadFile: d.ReadFile, Facts: lagoon.Facts{Given: given}})
	for i := range made.Tasks {
		made.Tasks[i].Executor = withExpressions(made.Tasks[i].Executor)
	}
	return native.Writing{Tasks: made.Tasks, When: made.When, Params: made.Params, Notes: made.Notes}, made.Deviations, found
}

// begin and end enclose an expression among texts that are not escaped yet; no argument of a program
// can hold them.
const begin, end = lagoon.ParamBegin, lagoon.ParamEnd

// withExpressions escapes what only looks like an expression, and writes those that are.
func withExpressions(e task.Executor) task.Executor {
	written := strings.NewReplacer("${", "$${", begin, "${", end, "}")
	argv := func(c task.Command) task.Command {
		if len(c.Argv) == 3 && c.Argv[0] == "sh" && c.Argv[1] == "-c" {
			return c // becomes a line of the shell, in which expressions mean nothing
		}
		for i := range c.Argv {
			c.Argv[i] = written.Replace(c.Argv[i])
		}
		return c
	}
	env := func(all []corev1.EnvVar) {
		for i := range all {
			all[i].Value = written.Replace(all[i].Value)
		}
	}
	containers := func(all []corev1.Container) {
		for i := range all {
			for _, words := range [][]string{all[i].Command, all[i].Args} {
				for j := range words {
					words[j] = written.Replace(words[j])
				}
			}
			env(all[i].Env)
		}
	}
	switch e := e.(type) {
	case task.Host:
		e.Command = argv(e.Command)
		return e
	case task.Exec:
		e.Command = argv(e.Command)
		return e
	case task.Clone:
		e.Command = argv(e.Command)
		env(e.Env)
		return e
	case task.Pod:
		containers(e.Spec.Containers)
		return e
	case task.Job:
		containers(e.Spec.Template.Spec.Containers)
		return e
	case task.Function:
		e.URL, e.Arguments = written.Replace(e.URL), written.Replace(e.Arguments)
		for name, v := range e.Parameters {
			e.Parameters[name] = written.Replace(v)
		}
		return e
	}
	return e
}
