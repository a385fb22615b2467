package task

import (
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// Executor is where a task runs and what it runs: Host, Exec, Pod, Job, Function, Clone, Wait,
// Approve, or one of Lagoon's: Service, Standard, Advanced.
type Executor interface {
	// Kind is the executor's name in files and messages, such as "host".
	Kind() string
	// Argv is the program and its arguments.
	Argv() []string
	// Text is the command as its author wrote it, for showing: variables are not expanded, so
	// no value of the environment is in it.
	Text() string
	// executor keeps the set closed: a new place to run is a type in this file.
	executor()
}

// Host runs a program on the machine of the user.
type Host struct {
	Command Command
	// Env are variables, as NAME=VALUE, that are added to the program's environment.
	Env []string
	// Dir is the working directory, relative to that of the run; empty means the same.
	Dir string
}

// Exec runs a program in running pods: those of a workload, a Service or a pod, those that a
// selector matches or, when neither is given, those of the release.
type Exec struct {
	Command Command
	// Env are variables, as NAME=VALUE, that are added to the program's environment.
	Env []string
	// Target is KIND/NAME, with any of kubectl's names for the kind.
	Target string
	// Selector is a label selector, in the namespace of the release.
	Selector string
	// Container is the container's name; empty means the pod's default container.
	Container string
	// Pods is in how many of the ready pods it runs.
	Pods Count
	// AllowEmpty makes no pod at all a skipped task rather than a failed one.
	AllowEmpty bool
	// Scale makes a workload that is scaled to zero run one pod, as long as the task needs it.
	Scale bool
	// Parallel is how many pods may run it at the same time; 0 and 1 mean one after another.
	Parallel int
	// Unready takes pods that run and are not Ready, too.
	Unready bool
}

// Pod runs a pod of its own, once. The task ends with the pod's main container.
type Pod struct {
	Spec corev1.PodSpec
	// Main is the container whose end is the task's; empty means the first. With All, the task ends with
	// all of them, and well only when each did.
	Main string
	All  bool
	// Adapt reports that the author left the security settings open, so that they may be set as the
	// namespace demands.
	Adapt bool
	// Labels and Annotations are those of the pod, beside our own.
	Labels, Annotations map[string]string
}

// Job runs a Kubernetes Job. The task ends with its pods, whatever runs beside their main
// containers.
type Job struct {
	Spec batchv1.JobSpec
	// Main and Adapt are as in Pod.
	Main  string
	Adapt bool
	// Labels and Annotations are those of the Job and its pods, JobAnnotations those of the Job alone.
	Labels, Annotations, JobAnnotations map[string]string
}

// Function runs a script in a pod whose image knows how to: the contract of Keptn's runners (spec
// keptn.md § 3.2).
type Function struct {
	// Runtime is Deno or Python.
	Runtime Runtime
	// Image is the runner's; empty means the default of the runtime.
	Image string
	// Command runs the script, whose path or address is in $SCRIPT; empty means what the image runs.
	Command []string
	// Code is the script itself, ConfigMap the name of a ConfigMap that holds it under Key, URL where
	// the runner finds it: exactly one is set.
	Code, ConfigMap, Key, URL string
	// Parameters go to the script as a JSON object in $DATA.
	Parameters map[string]string
	// Secret is the name of a Secret whose key SECURE_DATA goes to the script in $SECURE_DATA.
	Secret string
	// Arguments is $CMD_ARGS.
	Arguments string
	// Metadata is part of $KEPTN_CONTEXT.
	Metadata map[string]string
	// Env is set beside these.
	Env []corev1.EnvVar
	// ServiceAccountName and ImagePullSecrets are those of the pod.
	ServiceAccountName string
	ImagePullSecrets   []corev1.LocalObjectReference
	// Labels and Annotations are those of the pod, beside our own.
	Labels, Annotations map[string]string
}

// Runtime is what runs the script of a Function.
type Runtime string

// The runtimes.
const (
	Deno   Runtime = "deno"
	Python Runtime = "python"
)

// Clone runs a new pod made from the pod template of a workload, with another command.
type Clone struct {
	Command Command
	// From is KIND/NAME of the workload, with any of kubectl's names for the kind.
	From string
	// Container is the one that gets the command; empty means the default container.
	Container string
	// Sidecars are the other containers of the template that run beside it.
	Sidecars []string
	// Env is set beside the container's own variables, and wins over them; those of Without are taken
	// out.
	Env     []corev1.EnvVar
	Without []string
	// All runs the command in every container of the template at once, whatever Container says.
	All bool
	// Next takes the template as it will be when Helm has applied the release, not as it is in the
	// cluster.
	Next bool
	// Queue keeps the label by which Kueue queues the workload's pods.
	Queue bool
	// Labels and Annotations are those of the pod, beside our own.
	Labels, Annotations map[string]string
}

// Wait waits until an object is in a certain state.
type Wait struct {
	// Object is KIND/NAME, with any of kubectl's names for the kind.
	Object string
	// For is "ready" (also when empty), "deleted", "condition=NAME[=VALUE]" or
	// "jsonpath=EXPRESSION[=VALUE]".
	For string
}

// Approve asks a person whether to go on.
type Approve struct {
	// Message is the question.
	Message string
}

// Command is a program with its arguments.
type Command struct {
	// Argv is what is executed, without a shell.
	Argv []string
	// Text is what the author wrote.
	Text string
	// Local names the variables of the user's machine whose values went into Argv.
	Local []string
}

// Kind returns "host".
func (Host) Kind() string { return "host" }

// Kind returns "exec".
func (Exec) Kind() string { return "exec" }

// Argv returns the program and its arguments.
func (h Host) Argv() []string { return h.Command.Argv }

// Argv returns the program and its arguments.
func (e Exec) Argv() []string { return e.Command.Argv }

// Text returns the command as written.
func (h Host) Text() string { return h.Command.Text }

// Text returns the command as written, and whether its pods need not be ready.
func (e Exec) Text() string {
	if e.Unready {
		return "(ready or not) " + e.Command.Text
	}
	return e.Command.Text
}

// Kind returns "clone".
func (Clone) Kind() string { return "clone" }

// Argv returns the program and its arguments.
func (c Clone) Argv() []string { return c.Command.Argv }

// Text returns the workload, and the command as written.
func (c Clone) Text() string { return c.From + " " + c.Command.Text }

// Kind returns "wait".
func (Wait) Kind() string { return "wait" }

// Argv returns the object and what is waited for.
func (w Wait) Argv() []string { return []string{w.Object, w.For} }

// Text returns the object and what is waited for.
func (w Wait) Text() string { return strings.TrimSpace(w.Object + " " + w.For) }

// Kind returns "approve".
func (Approve) Kind() string { return "approve" }

// Argv returns the question.
func (a Approve) Argv() []string { return []string{a.Message} }

// Text returns the question.
func (a Approve) Text() string { return a.Message }

// Kind returns "pod".
func (Pod) Kind() string { return "pod" }

// MainContainer returns the container whose end is the task's; an empty one when there is none of
// that name.
func (p Pod) MainContainer() corev1.Container {
	for _, c := range p.Spec.Containers {
		if p.Main == "" || c.Name == p.Main {
			return c
		}
	}
	return corev1.Container{}
}

// Argv returns the command of the main container, or its image when the image says what to run.
func (p Pod) Argv() []string {
	c := p.MainContainer()
	if argv := slices.Concat(c.Command, c.Args); len(argv) > 0 {
		return argv
	}
	if c.Image == "" {
		return nil
	}
	return []string{c.Image}
}

// Text returns the image and the command of the main container.
func (p Pod) Text() string {
	c := p.MainContainer()
	return strings.Join(slices.Concat([]string{c.Image}, c.Command, c.Args), " ")
}

// Kind returns "job".
func (Job) Kind() string { return "job" }

// Pod returns one of the Job's pods.
func (j Job) Pod() Pod {
	return Pod{Spec: j.Spec.Template.Spec, Main: j.Main, Adapt: j.Adapt, Labels: j.Labels, Annotations: j.Annotations}
}

// Argv returns the command of the main container, or its image when the image says what to run.
func (j Job) Argv() []string { return j.Pod().Argv() }

// Text returns the image and the command of the main container.
func (j Job) Text() string { return j.Pod().Text() }

// Kind returns "function".
func (Function) Kind() string { return "function" }

// Argv returns the runtime and where the script is.
func (f Function) Argv() []string { return []string{string(f.Runtime), f.script()} }

// Text returns the runtime and where the script is.
func (f Function) Text() string { return string(f.Runtime) + " " + f.script() }

func (f Function) script() string {
	switch {
	case f.Code != "":
		first, _, _ := strings.Cut(strings.TrimSpace(f.Code), "\n")
		return first
	case f.ConfigMap != "":
		return "configmap/" + f.ConfigMap
	}
	return f.URL
}

func (Service) executor()  {}
func (Standard) executor() {}
func (Advanced) executor() {}
func (Host) executor()     {}
func (Function) executor() {}
func (Exec) executor()     {}
func (Pod) executor()      {}
func (Job) executor()      {}
func (Clone) executor()    {}
func (Wait) executor()     {}
func (Approve) executor()  {}
