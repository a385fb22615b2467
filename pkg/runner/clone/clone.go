// Package clone runs clone tasks: a pod made from a workload's pod template, with another command.
package clone

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Runner runs clone tasks.
type Runner struct {
	// Pods runs the pod that is made from the template.
	Pods pod.Runner
	// Template returns the pod template of a workload; see kube.Client.PodTemplate.
	Template func(ctx context.Context, namespace, from string) (*kube.Template, error)
}

// Run makes a pod from the workload's template and runs it as a pod task; see pod.Runner.Run.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	c, ok := t.Executor.(task.Clone)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is no clone task", t.Executor)}
	}
	template, err := r.Template(ctx, r.Pods.Namespace, c.From)
	if err == nil {
		t.Executor, err = build(template, c)
	}
	switch {
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	case err != nil:
		return task.Result{State: task.Failed, Reason: "Template", Message: err.Error()}
	}
	return r.Pods.Run(ctx, t, sink)
}

// build makes the pod of a clone: the template without what belongs to a pod that serves. Its
// labels and annotations stay behind, so that no Service and no ReplicaSet takes it for one of
// theirs.
func build(template *kube.Template, c task.Clone) (task.Pod, error) {
	main := c.Container
	if main == "" {
		main = template.DefaultContainer()
	}
	spec := template.Spec.DeepCopy()
	var names []string
	for _, container := range spec.Containers {
		names = append(names, container.Name)
	}
	for _, wanted := range append([]string{main}, c.Sidecars...) {
		if !slices.Contains(names, wanted) {
			return task.Pod{}, fmt.Errorf("%s has no container %q; it has %s", template.Of, wanted, strings.Join(names, ", "))
		}
	}
	spec.Containers = slices.DeleteFunc(spec.Containers, func(o corev1.Container) bool {
		return o.Name != main && !slices.Contains(c.Sidecars, o.Name)
	})
	for i := range spec.Containers {
		o := &spec.Containers[i]
		o.LivenessProbe, o.ReadinessProbe, o.StartupProbe, o.Lifecycle, o.Ports = nil, nil, nil, nil, nil
		if o.Name == main {
			o.Command, o.Args = c.Command.Argv, nil
			o.Env = withEnv(o.Env, c.Env)
		}
	}
	for i := range spec.InitContainers {
		// The startup probe of a sidecar stays: what follows waits for it.
		o := &spec.InitContainers[i]
		o.LivenessProbe, o.ReadinessProbe, o.Ports = nil, nil, nil
	}
	for _, o := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, m := range o.VolumeMounts {
			if slices.Contains(template.Claims, m.Name) {
				return task.Pod{}, fmt.Errorf("container %s of %s mounts %q, which each of its pods has of its own: use exec, or a pod that names one", o.Name, template.Of, m.Name)
			}
		}
	}
	placeAnywhere(spec)
	return task.Pod{Spec: *spec, Main: main}, nil
}

// placeAnywhere takes out what places a pod among others of its workload. The nodes it may run on
// stay.
func placeAnywhere(spec *corev1.PodSpec) {
	spec.NodeName, spec.Hostname, spec.Subdomain = "", "", ""
	spec.SchedulingGates, spec.ReadinessGates, spec.TopologySpreadConstraints = nil, nil, nil
	spec.ActiveDeadlineSeconds = nil
	if spec.Affinity != nil {
		spec.Affinity.PodAffinity, spec.Affinity.PodAntiAffinity = nil, nil
	}
}

// withEnv returns the variables with those of the task in the place of their namesakes.
func withEnv(env, own []corev1.EnvVar) []corev1.EnvVar {
	kept := slices.DeleteFunc(slices.Clone(env), func(v corev1.EnvVar) bool {
		return slices.ContainsFunc(own, func(o corev1.EnvVar) bool { return o.Name == v.Name })
	})
	return append(kept, own...)
}
