package native

import (
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// mainContainer is what the container of the short form is called.
const mainContainer = "task"

func (p *parser) pod(t Task, n *yaml.Node) task.Executor {
	if t.Pod.Spec != nil {
		return p.podSpec(t, n)
	}
	if t.Pod.Image == "" {
		p.fail(at(n, "task %q: a pod needs an image, or a spec", t.Name), t.Name)
	}
	if t.Pod.Container != "" {
		p.fail(at(place(n, "container"), "task %q: container chooses one of a spec, and there is none", t.Name), t.Name)
	}
	c := corev1.Container{
		Name: mainContainer, Image: t.Pod.Image, ImagePullPolicy: t.Pod.ImagePullPolicy,
		Env: t.Pod.Env, EnvFrom: t.Pod.EnvFrom, WorkingDir: t.Pod.WorkingDir,
		Resources: t.Pod.Resources, VolumeMounts: t.Pod.VolumeMounts, SecurityContext: t.Pod.SecurityContext,
	}
	if len(t.Pod.Command) > 0 || t.Pod.Shell != "" {
		c.Command = p.program(t.Name, t.Pod.Program, n).Argv
	}
	return task.Pod{
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{c}, Volumes: t.Pod.Volumes, ServiceAccountName: t.Pod.ServiceAccountName,
			ImagePullSecrets: t.Pod.ImagePullSecrets, NodeSelector: t.Pod.NodeSelector, Tolerations: t.Pod.Tolerations,
		},
		Main:  mainContainer,
		Adapt: true,
	}
}

// podSpec reads the long form, beside which nothing of the short one can stand.
func (p *parser) podSpec(t Task, n *yaml.Node) task.Executor {
	short := *t.Pod
	short.Spec, short.Container = nil, ""
	if !reflect.ValueOf(short).IsZero() {
		p.fail(at(place(n, "spec"), "task %q has spec and fields of the short form; only one of them can be", t.Name), t.Name)
	}
	containers := t.Pod.Spec.Containers
	named := func(c corev1.Container) bool { return c.Name == t.Pod.Container }
	switch {
	case len(containers) == 0:
		p.fail(at(place(n, "spec"), "task %q: the spec has no containers", t.Name), t.Name)
	case t.Pod.Container != "" && !slices.ContainsFunc(containers, named):
		p.fail(at(place(n, "container"), "task %q: the spec has no container %q", t.Name, t.Pod.Container), t.Name)
	}
	return task.Pod{Spec: *t.Pod.Spec, Main: t.Pod.Container}
}
