package lagoon

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Deviations are the differences between Lagoon and a run of the converted tasks (spec lagoon.md), a line each.
var Deviations = []string{
	"A service is converted to the deployment of that name; Lagoon looks for the label lagoon.sh/service.",
	"Pre-rollout tasks run before an upgrade only: an install has no pods in which they could run.",
	"Each task scales up a workload that is scaled to zero; workloads that Lagoon's idler has scaled to zero are not detected.",
	"Variables of conditions are converted to parameters, which are empty unless --param sets them; in Lagoon an unknown variable is an error.",
}

// podDeviations are the differences of tasks in pods of their own.
var podDeviations = []string{
	"A service is converted to the deployment of that name; Lagoon's entrypoint is not called; write it before the command if the image has it.",
	"Secrets with the label lagoon.sh/dynamic-secret and claims of storage class bulk are not mounted automatically.",
	"The annotation lagoon.sh/taskData is ignored.",
}

// Converted is a document with executors that tasks.yaml has.
type Converted struct {
	// Deviations are the differences, a line each.
	Deviations []string
	// Tasks have texts that are not escaped: see ParamBegin.
	Tasks []task.Task
	// When are the conditions in CEL, by the names of the tasks. Params are their parameters, sorted.
	When   map[string]string
	Params []string
	// Notes are the comments on tasks, by the names of the tasks.
	Notes map[string][]string
}

// Convert returns the tasks of a document for tasks.yaml, and all findings about the document.
func Convert(text []byte, opts Options) (Converted, task.Diagnostics) {
	opts.Lenient = true
	p := &parser{opts: opts, text: text, conditions: map[string]string{}, argumentsOf: map[string][]argument{}}
	tasks, found := p.parse()
	c := Converted{Tasks: tasks, When: map[string]string{}, Notes: map[string][]string{}, Deviations: Deviations}
	if !sections.Match(text) {
		c.Deviations = podDeviations
	}
	params := map[string]bool{}
	for i, t := range tasks {
		if expression := p.conditions[t.Name]; expression != "" {
			cel, names, err := toCEL(expression)
			if err != nil {
				found = append(found, task.Diagnostic{
					Position: t.Position, Severity: task.Warning, Task: t.Name,
					Message: fmt.Sprintf("the condition of %q is not converted, and the task will not run until you write one: %v", t.Name, err),
				})
				c.Notes[t.Name] = []string{"Lagoon's condition is: " + expression}
				cel, names = "false", nil
			}
			c.When[t.Name] = cel
			for _, name := range names {
				params[name] = true
			}
		}
		executor, err := p.native(t, params)
		if err != nil {
			found = append(found, task.Diagnostic{Position: t.Position, Severity: task.Error, Task: t.Name, Message: err.Error()})
		}
		c.Tasks[i].Executor = executor
		c.Tasks[i].Outputs = nil
		if t.Phase == task.PreDeploy {
			c.Tasks[i].Phase = task.PreUpgrade
		}
	}
	c.Params = slices.Sorted(maps.Keys(params))
	return c, found
}

// native returns an executor as tasks.yaml has it, and adds the parameters that it refers to.
func (p *parser) native(t task.Task, params map[string]bool) (task.Executor, error) {
	switch e := t.Executor.(type) {
	case task.Service:
		return task.Exec{Command: e.Command, Target: "deployment/" + e.Name, Container: e.Container, Scale: true}, nil
	case task.Standard:
		clone := task.Clone{From: "deployment/" + e.Service, Command: e.Command, Container: e.Container, Env: e.Env}
		clone.Command.Argv = []string{"sh", "-c", e.Command.Text}
		for _, a := range p.argumentsOf[t.Name] {
			params[a.Name] = true
			clone.Env = append(clone.Env, corev1.EnvVar{Name: a.Name, Value: Param(a.Name)})
		}
		clone.Env = append(clone.Env, corev1.EnvVar{Name: "CRONJOBS"})
		return clone, nil
	case task.Advanced:
		if len(p.argumentsOf[t.Name]) > 0 {
			return nil, fmt.Errorf("definition %q is an image that gets its arguments as a payload, which tasks.yaml does not support: run it with kubectl tasks run -f", t.Name)
		}
		return advancedPod(e), nil
	}
	return t.Executor, nil
}

// Param returns the mark for the value of a parameter.
func Param(name string) string { return ParamBegin + "params." + name + ParamEnd }

// ParamBegin and ParamEnd enclose an expression in a text that is not escaped yet. No other text contains them.
const (
	ParamBegin = "\x00("
	ParamEnd   = "\x00)"
)

// advancedPod returns the pod of an advanced task without the volumes that depend on the namespace.
func advancedPod(a task.Advanced) task.Pod {
	yes, no, mode := true, false, int32(0o644)
	c := corev1.Container{Name: "lagoon-task", Image: a.Image, Env: append([]corev1.EnvVar{
		{Name: "JSON_PAYLOAD", Value: a.Payload},
		{Name: "NAMESPACE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}},
		{Name: "PODNAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}},
	}, a.Env...)}
	for _, name := range []string{"lagoon-platform-env", "lagoon-env"} {
		c.EnvFrom = append(c.EnvFrom, corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Optional: &yes}})
	}
	spec := corev1.PodSpec{EnableServiceLinks: &no}
	if a.SSHKey {
		spec.Volumes = []corev1.Volume{{Name: "ssh", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "lagoon-sshkey", DefaultMode: &mode}}}}
		c.VolumeMounts = []corev1.VolumeMount{{Name: "ssh", MountPath: "/var/run/secrets/lagoon/ssh", ReadOnly: true}}
	}
	if a.DeployerToken {
		spec.ServiceAccountName = "lagoon-deployer"
	}
	spec.Containers = []corev1.Container{c}
	return task.Pod{Spec: spec, Main: c.Name}
}
