package action

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/lagoon"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// OneOff is a task of the command line. Exactly one of Exec, Clone, Pod, Job and Lagoon is set: the place where it runs.
type OneOff struct {
	// Exec and Clone are a workload as KIND/NAME. The task runs in its pod, or in a clone of its pod.
	Exec, Clone string
	// Pod and Job are the image of a pod, or of a Job.
	Pod, Job string
	// Lagoon is the service of a standard task of Lagoon.
	Lagoon    string
	Container string
	// Pods is the number of pods in which Exec runs: one, all, a number or a percentage; empty is one.
	Pods string
	// Timeout limits the command; 0 is no limit.
	Timeout time.Duration
	// Args is the command or, with BuiltIn, the name of one of Lagoon's own tasks.
	Args    []string
	BuiltIn bool
}

// task returns the task. The error is a UsageError.
func (o *OneOff) task() (task.Task, error) {
	argv := o.Args
	var flags []string
	for name, value := range map[string]string{"--exec": o.Exec, "--clone": o.Clone, "--pod": o.Pod, "--job": o.Job, "--lagoon-service": o.Lagoon} {
		if value != "" {
			flags = append(flags, name)
		}
	}
	if len(flags) > 1 {
		return task.Task{}, UsageError{errors.New("give only one of --exec, --clone, --pod, --job and --lagoon-service")}
	}
	pods, err := task.ParseCount(o.Pods)
	if err != nil {
		return task.Task{}, UsageError{fmt.Errorf("--%w", err)}
	}
	for name, value := range map[string]string{"exec": o.Exec, "clone": o.Clone} {
		if kind, object, ok := strings.Cut(value, "/"); value != "" && (!ok || kind == "" || object == "") {
			return task.Task{}, UsageError{fmt.Errorf("--%s is %q; write KIND/NAME, such as deployment/web", name, value)}
		}
	}
	if len(argv) == 0 && o.Exec+o.Clone+o.Lagoon != "" {
		return task.Task{}, UsageError{errors.New("write the command after --, such as -- ls -l")}
	}
	command := task.Command{Argv: argv, Text: strings.Join(argv, " ")}
	t := task.Task{Policy: task.Policy{Timeout: o.Timeout}, Source: task.Source{Name: "the command line", Trusted: true}}
	spec := func(image string) corev1.PodSpec {
		return corev1.PodSpec{Containers: []corev1.Container{{Name: "task", Image: image, Command: argv}}}
	}
	switch {
	case o.Exec != "":
		t.Name, t.Executor = "exec", task.Exec{Command: command, Target: o.Exec, Container: o.Container, Pods: pods}
	case o.Clone != "":
		t.Name, t.Executor = "clone", task.Clone{Command: command, From: o.Clone, Container: o.Container}
	case o.Pod != "":
		t.Name, t.Executor = "pod", task.Pod{Spec: spec(o.Pod), Main: "task", Adapt: true}
	default:
		t.Name, t.Executor = "job", task.Job{Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: spec(o.Job)}}, Main: "task", Adapt: true}
	}
	return t, nil
}

// standard returns a standard task of Lagoon: a line for the shell, or one of Lagoon's own tasks.
func (o *OneOff) standard(options lagoon.Options) (task.Task, error) {
	args := o.Args
	command := args[0]
	if o.BuiltIn {
		var err error
		if command, err = lagoon.BuiltIn(args[0]); err != nil {
			return task.Task{}, UsageError{err}
		}
	} else if len(args) > 1 {
		words := make([]string, len(args))
		for i, arg := range args {
			words[i] = lagoon.Quote(arg)
		}
		command = strings.Join(words, " ")
	}
	options.Source = task.Source{Name: "the command line", Trusted: true}
	t := lagoon.OneOff(o.Lagoon, o.Container, command, options)
	if o.Timeout > 0 {
		t.Timeout = o.Timeout
	}
	return t, nil
}

// prepareOneOff plans the task of the command line.
func (r *Run) prepareOneOff(_ context.Context, p *process) error {
	one, err := r.OneOff.task()
	if err != nil {
		return err
	}
	if e, ok := one.Executor.(task.Exec); ok {
		e.Parallel = r.Read.Parallel
		one.Executor = e
	}
	rel := p.steps.Release
	if r.OneOff.Lagoon != "" {
		options := r.reading(task.Run, rel, r.Config.lookup)
		r.addLagoonFacts(p.steps.Client, rel.Namespace, &options)
		if one, err = r.OneOff.standard(options.ForLagoon()); err != nil {
			return err
		}
	}
	if p.plan, err = plan.BuildRun(rel, []task.Task{one}, []task.Task{one}); err != nil {
		return err
	}
	p.tasks.Tasks = p.plan.Tasks()
	if r.Record.Place == RecordAuto && r.Resume == nil {
		r.Record.Place = RecordNone // so that it is as fast as kubectl's own command
	}
	return nil
}
