package native

import (
	"fmt"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// write returns a task for a document. The error is an executor that the format does not have.
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
	for _, field := range (&parser{}).executors(Task{}) {
		if field.write(t.Executor, &w) {
			return w, nil
		}
	}
	return w, fmt.Errorf("the format has no %T", t.Executor)
}

// writes returns a function that calls set for executors of one type. The function returns false for others.
func writes[E task.Executor](set func(E, *Task)) func(task.Executor, *Task) bool {
	return func(executor task.Executor, w *Task) bool {
		e, ok := executor.(E)
		if ok {
			set(e, w)
		}
		return ok
	}
}

func writeHost(e task.Host, w *Task) {
	w.Host = &Host{Program: program(e.Command), Env: variables(e.Env), Dir: e.Dir}
}

func writeExec(e task.Exec, w *Task) {
	w.Exec = &Exec{
		Program: program(e.Command), Env: variables(e.Env), Target: e.Target, Selector: e.Selector, Container: e.Container,
		Pods: Count(e.Pods), Parallel: e.Parallel, Scale: e.Scale, AllowEmpty: e.AllowEmpty,
	}
	if e.Unready {
		w.Exec.Ready = new(bool)
	}
}

func writeClone(e task.Clone, w *Task) {
	w.Clone = &Clone{
		Program: program(e.Command), From: e.From, Container: e.Container, Sidecars: e.Sidecars, Env: e.Env,
		Queue: e.Queue, Labels: e.Labels, Annotations: e.Annotations,
	}
	if e.Next {
		w.Clone.Version = "next"
	}
}

func writePod(e task.Pod, w *Task) { w.Pod = &Pod{Spec: &e.Spec, Container: e.Main} }

func writeJob(e task.Job, w *Task) { w.Job = &Job{Spec: &e.Spec, Container: e.Main} }

func writeFunction(e task.Function, w *Task) {
	w.Function = &Function{
		Runtime: string(e.Runtime), Image: e.Image, Command: e.Command, Code: e.Code, ConfigMap: e.ConfigMap, Key: e.Key, URL: e.URL,
		Parameters: e.Parameters, Secret: e.Secret, Args: e.Arguments, Metadata: e.Metadata, Env: e.Env,
		ServiceAccountName: e.ServiceAccountName, ImagePullSecrets: e.ImagePullSecrets, Labels: e.Labels, Annotations: e.Annotations,
	}
}

func writeWait(e task.Wait, w *Task) { w.Wait = &Wait{Object: e.Object, For: e.For} }

func writeApprove(e task.Approve, w *Task) { w.Approve = &Approve{Message: e.Message} }

// variables returns NAME=VALUE as variables of a document.
func variables(all []string) []EnvVar {
	var written []EnvVar
	for _, entry := range all {
		name, value, _ := strings.Cut(entry, "=")
		written = append(written, EnvVar{name, value})
	}
	return written
}

// program returns a command for a document: sh -c as shell, other commands as their arguments.
func program(c task.Command) Program {
	if len(c.Argv) == 3 && c.Argv[0] == "sh" && c.Argv[1] == "-c" {
		return Program{Shell: c.Argv[2]}
	}
	return Program{Command: c.Argv}
}
