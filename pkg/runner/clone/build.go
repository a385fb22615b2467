package clone

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// build returns the pod of a clone: the template without the fields that only a serving pod needs. The template's labels
// and annotations are left out, so that no Service or ReplicaSet selects the clone.
func build(template *workload.Template, c task.Clone) (task.Pod, error) {
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
		return o.Name != main && !slices.Contains(c.Sidecars, o.Name) && !c.All
	})
	for i := range spec.Containers {
		o := &spec.Containers[i]
		o.LivenessProbe, o.ReadinessProbe, o.StartupProbe, o.Lifecycle, o.Ports = nil, nil, nil, nil, nil
		if o.Name == main || c.All {
			o.Command, o.Args = c.Command.Argv, nil
			o.Env = withEnv(o.Env, c.Env, c.Without)
		}
	}
	for i := range spec.InitContainers {
		// The startup probe of a sidecar stays: the containers after it wait for it.
		o := &spec.InitContainers[i]
		o.LivenessProbe, o.ReadinessProbe, o.Ports = nil, nil, nil
	}
	for _, o := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, m := range o.VolumeMounts {
			if slices.Contains(template.Claims, m.Name) {
				return task.Pod{}, fmt.Errorf("container %s of %s mounts %q, and each of its pods has its own claim for it: use exec, or a pod that names a claim", o.Name, template.Of, m.Name)
			}
		}
	}
	placeAnywhere(spec)
	labels := maps.Clone(c.Labels)
	if queue := template.Labels[queueLabel]; queue != "" && c.Queue && labels[queueLabel] == "" {
		if labels == nil {
			labels = map[string]string{}
		}
		labels[queueLabel] = queue
	}
	return task.Pod{Spec: *spec, Main: main, All: c.All, Labels: labels, Annotations: c.Annotations}, nil
}

// queueLabel is the label with which Kueue assigns pods to a queue.
const queueLabel = "kueue.x-k8s.io/queue-name"

// placeAnywhere removes the fields that place a pod relative to others of its workload. Node selectors and node affinity
// stay.
func placeAnywhere(spec *corev1.PodSpec) {
	spec.NodeName, spec.Hostname, spec.Subdomain = "", "", ""
	spec.SchedulingGates, spec.ReadinessGates, spec.TopologySpreadConstraints = nil, nil, nil
	spec.ActiveDeadlineSeconds = nil
	if spec.Affinity != nil {
		spec.Affinity.PodAffinity, spec.Affinity.PodAntiAffinity = nil, nil
	}
}

// withEnv returns env with the variables of own instead of those of the same name, and without those of without.
func withEnv(env, own []corev1.EnvVar, without []string) []corev1.EnvVar {
	kept := slices.DeleteFunc(slices.Clone(env), func(v corev1.EnvVar) bool {
		return slices.Contains(without, v.Name) || slices.ContainsFunc(own, func(o corev1.EnvVar) bool { return o.Name == v.Name })
	})
	return append(kept, own...)
}
