package native

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Writing is what a document is written from.
type Writing struct {
	// Name is that of the document; may be empty.
	Name string
	// Head are the lines of the comment at its head.
	Head []string
	// Tasks are written in their order. Their texts may hold ${…}.
	Tasks []task.Task
	// Notes are comments on tasks, by their names.
	Notes map[string][]string
	// When are the conditions of tasks, in CEL, by their names.
	When map[string]string
	// Params are the parameters that the texts and conditions refer to; they are empty by default.
	Params []string
	// Env are the variables of the machine that the texts refer to.
	Env []string
}

// Write returns the document as YAML: comments above the tasks that they are about, names that the
// format does not take made into ones that it does.
func Write(w Writing) ([]byte, error) {
	names := newNames(w.Tasks)
	document := Document{APIVersion: APIVersion, Kind: Kind, Metadata: Metadata{Name: w.Name}, Env: w.Env}
	empty := ""
	for _, name := range w.Params {
		document.Params = append(document.Params, Param{Name: name, Default: &empty})
	}
	for _, t := range w.Tasks {
		written, err := write(t, names)
		if err != nil {
			return nil, fmt.Errorf("task %q: %w", t.Name, err)
		}
		written.When = w.When[t.Name]
		document.Tasks = append(document.Tasks, written)
	}
	text, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	head := root.Content[0]
	block(head)
	root.HeadComment = comment(w.Head)
	if len(w.Tasks) > 0 {
		for i, n := range place(head, "tasks").Content {
			n.HeadComment = comment(w.Notes[w.Tasks[i].Name])
		}
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(&root); err != nil {
		return nil, err
	}
	return b.Bytes(), encoder.Close()
}

// block gives a node that was JSON the style of YAML. Short lists of words stay on a line.
func block(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.SequenceNode && !slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return c.Kind != yaml.ScalarNode || len(c.Value) > 80 }) {
		n.Style = yaml.FlowStyle
	}
	for _, c := range n.Content {
		block(c)
	}
}

func comment(lines []string) string { return strings.Join(lines, "\n") }

// names are what tasks are called in the format.
type names struct{ of map[string]string }

func newNames(tasks []task.Task) names {
	n := names{map[string]string{}}
	used := map[string]bool{}
	for _, t := range tasks {
		name := task.Slug(t.Name)
		unique := name
		for i := 2; used[unique]; i++ {
			unique = fmt.Sprintf("%s-%d", name, i)
		}
		used[unique], n.of[t.Name] = true, unique
	}
	return n
}

func write(t task.Task, names names) (Task, error) {
	w := Task{
		Name: names.of[t.Name], Phase: string(t.Phase),
		Attempts: Attempts{
			Timeout: Duration(t.Timeout), TotalTimeout: Duration(t.TotalTimeout), IdleTimeout: Duration(t.IdleTimeout),
			Retries: t.Retries, Backoff: Duration(t.Backoff), Idempotent: t.Idempotent,
		},
		OnFailure: string(t.OnFailure),
	}
	for _, need := range t.Needs {
		if name, ok := names.of[need]; ok {
			need = name
		}
		w.Needs = append(w.Needs, need)
	}
	switch e := t.Executor.(type) {
	case task.Host:
		w.Host = &Host{Program: program(e.Command), Env: variables(e.Env), Dir: e.Dir}
	case task.Exec:
		w.Exec = &Exec{
			Program: program(e.Command), Env: variables(e.Env), Target: e.Target, Selector: e.Selector, Container: e.Container,
			Pods: Count(e.Pods), Parallel: e.Parallel, Scale: e.Scale, AllowEmpty: e.AllowEmpty,
		}
		if e.Unready {
			w.Exec.Ready = new(bool)
		}
	case task.Clone:
		w.Clone = &Clone{
			Program: program(e.Command), From: e.From, Container: e.Container, Sidecars: e.Sidecars, Env: e.Env,
			Queue: e.Queue, Labels: e.Labels, Annotations: e.Annotations,
		}
		if e.Next {
			w.Clone.Version = "next"
		}
	case task.Pod:
		w.Pod = &Pod{Spec: &e.Spec, Container: e.Main}
	case task.Job:
		w.Job = &Job{Spec: &e.Spec, Container: e.Main}
	case task.Function:
		w.Function = &Function{
			Runtime: string(e.Runtime), Image: e.Image, Command: e.Command, Code: e.Code, ConfigMap: e.ConfigMap, Key: e.Key, URL: e.URL,
			Parameters: e.Parameters, Secret: e.Secret, Args: e.Arguments, Metadata: e.Metadata, Env: e.Env,
			ServiceAccountName: e.ServiceAccountName, ImagePullSecrets: e.ImagePullSecrets, Labels: e.Labels, Annotations: e.Annotations,
		}
	case task.Wait:
		w.Wait = &Wait{Object: e.Object, For: e.For}
	case task.Approve:
		w.Approve = &Approve{Message: e.Message}
	default:
		return w, fmt.Errorf("the format has no %T", t.Executor)
	}
	return w, nil
}

// variables returns variables, given as NAME=VALUE, as they are written.
func variables(all []string) []EnvVar {
	var written []EnvVar
	for _, entry := range all {
		name, value, _ := strings.Cut(entry, "=")
		written = append(written, EnvVar{name, value})
	}
	return written
}

// program returns a command as it is written; one that a shell runs as its line.
func program(c task.Command) Program {
	if len(c.Argv) == 3 && c.Argv[0] == "sh" && c.Argv[1] == "-c" {
		return Program{Shell: c.Argv[2]}
	}
	return Program{Command: c.Argv}
}
