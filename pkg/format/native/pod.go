package native

import (
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/strict"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// mainContainer is the name of the container of the short form.
const mainContainer = "task"

func (p *parser) pod(t Task, n *yaml.Node) task.Executor {
	made := task.Pod{Main: t.Pod.Container}
	switch p.form(t, n, t.Pod.Spec != nil, t.Pod.File, !reflect.ValueOf(t.Pod.ShortPod).IsZero(), t.Pod.Container) {
	case shortForm:
		made = task.Pod{
			Spec: p.short(t, t.Pod.ShortPod, n), Main: mainContainer, Adapt: true,
			Labels: t.Pod.Labels, Annotations: t.Pod.Annotations,
		}
	case specForm:
		made.Spec = *t.Pod.Spec
	case fileForm:
		var m manifest[corev1.PodSpec]
		if !p.manifest(t, t.Pod.File, "v1", "Pod", n, &m) {
			return nil
		}
		made.Spec, made.Labels, made.Annotations = m.Spec, m.Metadata.Labels, m.Metadata.Annotations
	case noForm:
		return nil
	}
	p.containers(t, made, n)
	return made
}

func (p *parser) job(t Task, n *yaml.Node) task.Executor {
	j := t.Job
	counts := j.Completions != nil || j.Parallelism != nil || j.CompletionMode != ""
	made := task.Job{Main: j.Container}
	switch p.form(t, n, j.Spec != nil, j.File, counts || !reflect.ValueOf(j.ShortPod).IsZero(), j.Container) {
	case shortForm:
		made = task.Job{Main: mainContainer, Adapt: true, Labels: j.Labels, Annotations: j.Annotations}
		made.Spec.Completions, made.Spec.Parallelism = j.Completions, j.Parallelism
		if j.CompletionMode != "" {
			made.Spec.CompletionMode = &j.CompletionMode
		}
		made.Spec.Template.Spec = p.short(t, j.ShortPod, n)
	case specForm:
		made.Spec = *j.Spec
	case fileForm:
		var m manifest[batchv1.JobSpec]
		if !p.manifest(t, j.File, "batch/v1", "Job", n, &m) {
			return nil
		}
		made.Spec, made.Labels, made.Annotations = m.Spec, m.Metadata.Labels, m.Metadata.Annotations
	case noForm:
		return nil
	}
	switch limit := made.Spec.BackoffLimit; {
	case limit != nil && t.Retries > 0:
		p.fail(strict.At(n, "task %q has retries and the Job a backoffLimit; set only one of them", t.Name), t.Name)
	case limit == nil:
		retries := int32(t.Retries) //nolint:gosec // limited by the parser
		made.Spec.BackoffLimit = &retries
	}
	p.containers(t, made.Pod(), n)
	return made
}

// form is the form in which a document has a pod.
type form int

const (
	noForm form = iota
	shortForm
	specForm
	fileForm
)

// form returns the only form of a pod. It returns noForm after a finding.
func (p *parser) form(t Task, n *yaml.Node, spec bool, file string, short bool, container string) form {
	forms := map[form]bool{specForm: spec, fileForm: file != "", shortForm: short}
	var found []form
	for _, f := range []form{shortForm, specForm, fileForm} {
		if forms[f] {
			found = append(found, f)
		}
	}
	switch {
	case len(found) == 0:
		p.fail(strict.At(n, "task %q: a pod needs an image, a spec or a file", t.Name), t.Name)
		return noForm
	case len(found) > 1:
		names := map[form]string{shortForm: "fields of the short form", specForm: "spec", fileForm: "file"}
		key := map[form]string{specForm: "spec", fileForm: "file"}[found[1]]
		p.fail(strict.At(valueAt(n, key), "task %q has %s and %s; set only one of them", t.Name, names[found[1]], names[found[0]]), t.Name)
		return noForm
	case found[0] == shortForm && container != "":
		p.fail(strict.At(valueAt(n, "container"), "task %q: container needs a spec", t.Name), t.Name)
	}
	return found[0]
}

// short returns the pod of the short form.
func (p *parser) short(t Task, s ShortPod, n *yaml.Node) corev1.PodSpec {
	if s.Image == "" {
		p.fail(strict.At(n, "task %q: a pod needs an image, a spec or a file", t.Name), t.Name)
	}
	c := corev1.Container{
		Name: mainContainer, Image: s.Image, ImagePullPolicy: s.ImagePullPolicy,
		Env: s.Env, EnvFrom: s.EnvFrom, WorkingDir: s.WorkingDir,
		Resources: s.Resources, VolumeMounts: s.VolumeMounts, SecurityContext: s.SecurityContext,
	}
	if len(s.Command) > 0 || s.Shell != "" {
		c.Command = p.program(t.Name, s.Program, n).Argv
	}
	return corev1.PodSpec{
		Containers: []corev1.Container{c}, Volumes: s.Volumes, ServiceAccountName: s.ServiceAccountName,
		ImagePullSecrets: s.ImagePullSecrets, NodeSelector: s.NodeSelector, Tolerations: s.Tolerations,
	}
}

// containers checks that a pod has containers, and the main one.
func (p *parser) containers(t Task, made task.Pod, n *yaml.Node) {
	named := func(c corev1.Container) bool { return c.Name == made.Main }
	switch {
	case len(made.Spec.Containers) == 0:
		p.fail(strict.At(valueAt(n, "spec"), "task %q: the spec has no containers", t.Name), t.Name)
	case made.Main != "" && !slices.ContainsFunc(made.Spec.Containers, named):
		p.fail(strict.At(valueAt(n, "container"), "task %q: the spec has no container %q", t.Name, made.Main), t.Name)
	}
}
