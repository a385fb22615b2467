package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/lagoon"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// oneOff is a task that is given on the command line.
type oneOff struct {
	exec, clone, pod, job string
	lagoon                string
	container             string
	pods                  string
	timeout               time.Duration
}

func (o *oneOff) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.exec, "exec", "", "run the command after -- in a pod of this workload, Service or pod (KIND/NAME)")
	fs.StringVar(&o.clone, "clone", "", "run the command after -- in a clone of this workload's pod (KIND/NAME)")
	fs.StringVar(&o.pod, "pod", "", "run the command after -- in a pod of this image")
	fs.StringVar(&o.job, "job", "", "run the command after -- in a Job of this image")
	fs.StringVar(&o.lagoon, "lagoon-service", "", "run the command after --, a line for the shell, as a standard task of Lagoon: in a copy of this service's pod; without -- the name of one of Lagoon's own tasks (cache-clear, cron, uli)")
	fs.StringVarP(&o.container, "container", "c", "", "the container for --exec, --clone and --lagoon-service (default the pod's default container)")
	fs.StringVar(&o.pods, "pods", "", "in how many pods --exec runs it: one, all, a number or a percentage (default one)")
	fs.DurationVar(&o.timeout, "timeout", 0, "how long the command after -- may take (default no limit)")
}

// given reports whether the command line is a task.
func (o *oneOff) given() bool { return o.exec+o.clone+o.pod+o.job+o.lagoon != "" }

// task returns the task of the command line.
func (o *oneOff) task(argv []string) (task.Task, error) {
	var flags []string
	for name, value := range map[string]string{"--exec": o.exec, "--clone": o.clone, "--pod": o.pod, "--job": o.job, "--lagoon-service": o.lagoon} {
		if value != "" {
			flags = append(flags, name)
		}
	}
	if len(flags) > 1 {
		return task.Task{}, usageError{errors.New("give only one of --exec, --clone, --pod, --job and --lagoon-service")}
	}
	pods, err := task.ParseCount(o.pods)
	if err != nil {
		return task.Task{}, usageError{fmt.Errorf("--%w", err)}
	}
	for name, value := range map[string]string{"exec": o.exec, "clone": o.clone} {
		if kind, object, ok := strings.Cut(value, "/"); value != "" && (!ok || kind == "" || object == "") {
			return task.Task{}, usageError{fmt.Errorf("--%s is %q; write KIND/NAME, such as deployment/web", name, value)}
		}
	}
	if len(argv) == 0 && o.exec+o.clone+o.lagoon != "" {
		return task.Task{}, usageError{errors.New("write the command after --, such as -- ls -l")}
	}
	command := task.Command{Argv: argv, Text: strings.Join(argv, " ")}
	t := task.Task{Policy: task.Policy{Timeout: o.timeout}, Source: task.Source{Name: "the command line", Trusted: true}}
	spec := func(image string) corev1.PodSpec {
		return corev1.PodSpec{Containers: []corev1.Container{{Name: "task", Image: image, Command: argv}}}
	}
	switch {
	case o.exec != "":
		t.Name, t.Executor = "exec", task.Exec{Command: command, Target: o.exec, Container: o.container, Pods: pods}
	case o.clone != "":
		t.Name, t.Executor = "clone", task.Clone{Command: command, From: o.clone, Container: o.container}
	case o.pod != "":
		t.Name, t.Executor = "pod", task.Pod{Spec: spec(o.pod), Main: "task", Adapt: true}
	default:
		t.Name, t.Executor = "job", task.Job{Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: spec(o.job)}}, Main: "task", Adapt: true}
	}
	return t, nil
}

// standard returns a standard task of Lagoon: a line for the shell, or one of Lagoon's own tasks.
func (o *oneOff) standard(args []string, builtIn bool, options lagoon.Options) (task.Task, error) {
	command := args[0]
	if builtIn {
		var err error
		if command, err = lagoon.BuiltIn(args[0]); err != nil {
			return task.Task{}, usageError{err}
		}
	} else if len(args) > 1 {
		words := make([]string, len(args))
		for i, arg := range args {
			words[i] = lagoon.Quote(arg)
		}
		command = strings.Join(words, " ")
	}
	options.Source = task.Source{Name: "the command line", Trusted: true}
	t := lagoon.OneOff(o.lagoon, o.container, command, options)
	if o.timeout > 0 {
		t.Timeout = o.timeout
	}
	return t, nil
}

// runOne runs the task of the command line.
func (a *App) runOne(ctx context.Context, o *runOptions, args []string, dash int) error {
	if err := errors.Join(o.tasks.validate(), checkOutput(o.output, "json", "yaml")); err != nil {
		return err
	}
	builtIn := o.oneOff.lagoon != "" && dash < 0 && len(args) == 1
	switch {
	case dash > 0 || dash < 0 && len(args) > 0 && !builtIn:
		return usageError{fmt.Errorf("task names and a command of your own cannot be run together; write the command after --, such as -- %s", strings.Join(args, " "))}
	case o.phase != "" || len(o.tasks.references) > 0:
		return usageError{errors.New("--phase and --tasks choose tasks of a file, and the command after -- is of none")}
	}
	one, err := o.oneOff.task(args)
	if err != nil {
		return err
	}
	namespace, err := o.connection.namespace()
	if err != nil {
		return usageError{err}
	}
	rel := plan.Release{Name: o.release, Namespace: namespace}
	client := o.connection.client()
	if e, ok := one.Executor.(task.Exec); ok {
		e.Parallel = o.tasks.parallel
		one.Executor = e
	}
	if o.oneOff.lagoon != "" {
		options := format.Options{Facts: facts(task.Run, rel), Getenv: os.LookupEnv, Timeout: o.tasks.timeout}
		a.addLagoonFacts(client, namespace, &options)
		if err := o.tasks.lagoon.fill(&options.Lagoon); err != nil {
			return usageError{err}
		}
		if one, err = o.oneOff.standard(args, builtIn, options.ForLagoon()); err != nil {
			return err
		}
	}
	p, err := plan.BuildRun(rel, []task.Task{one}, []task.Task{one})
	if err != nil {
		return err
	}
	steps := &runner.Steps{Client: client, Operation: task.Run, Release: rel, Readiness: ready.Options{Timeout: waitTimeout}}
	if o.tasks.record.place == recordAuto && a.resuming == nil {
		o.tasks.record.place = recordNone // it is to be as quick as kubectl's own
	}
	return a.runPlan(ctx, o, steps, taskSet{tasks: p.Tasks()}, p, a.runID(o.release), nil)
}
