package format

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/lagoon"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/native"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Converts reports whether documents of the format can be converted, as all but tasks.yaml can.
func Converts(name string) bool {
	f, known := All.ByName(name)
	return known && f.Convert != nil
}

// Convert returns the text of a tasks.yaml with the tasks of a document, and all findings about the
// document. Comments name the differences. The error is task.Diagnostics when a finding is an error.
func Convert(d Document, o Options) ([]byte, task.Diagnostics, error) {
	f, known := All.ByName(d.Format)
	if !known || f.Convert == nil {
		return nil, nil, fmt.Errorf("documents of format %q cannot be converted", d.Format)
	}
	made, found := f.Convert(d, o)
	if err := found.Err(); err != nil {
		return nil, nil, err
	}
	for i := range made.Tasks {
		made.Tasks[i].Executor = withExpressions(made.Tasks[i].Executor)
	}
	made.Head = append([]string{"Converted from " + d.Name + ". Comments describe the differences."}, made.Deviations...)
	text, err := native.Write(made.Content)
	return text, found, err
}

// begin and end mark an expression in a text whose other parts are not escaped yet. No argument of a
// program can contain them.
const begin, end = lagoon.ParamBegin, lagoon.ParamEnd

// withExpressions escapes text that only looks like an expression, and writes the marked expressions.
func withExpressions(e task.Executor) task.Executor {
	written := strings.NewReplacer("${", "$${", begin, "${", end, "}")
	argv := func(c task.Command) task.Command {
		if len(c.Argv) == 3 && c.Argv[0] == "sh" && c.Argv[1] == "-c" {
			return c // becomes a shell script, in which expressions are not replaced
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
