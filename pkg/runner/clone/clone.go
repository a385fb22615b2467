// Package clone runs clone tasks: a pod made from a workload's pod template, with another command.
package clone

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/job"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Cluster is the part of a cluster that the runner needs; cluster.Cluster is one.
type Cluster interface {
	job.Cluster
	PodTemplate(ctx context.Context, namespace, from string) (*workload.Template, error)
	PodTemplateIn(objects []*unstructured.Unstructured, namespace, from string) (*workload.Template, error)
	ClaimUse(ctx context.Context, namespace, claim string) (kube.ClaimUse, error)
	Live(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error)
	CreateObject(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error)
	PatchObject(ctx context.Context, o *unstructured.Unstructured, patch []byte) error
	DeleteObject(ctx context.Context, o *unstructured.Unstructured) error
}

// Runner runs clone tasks.
type Runner struct {
	Cluster Cluster
	// Pods runs the pod that is built from the template.
	Pods pod.Runner
	// Next returns the objects that Helm is going to apply; nil when the cluster has them already.
	Next func() ([]*unstructured.Unstructured, error)
}

// Run builds a pod from the workload's template, and runs it as a pod task; see pod.Runner.Run.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	c, ok := t.Executor.(task.Clone)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is no clone task", t.Executor)}
	}
	template, next, err := r.template(ctx, c)
	if err != nil {
		return failed(ctx, err)
	}
	return r.run(ctx, t, template, next, sink)
}

// RunTemplate is Run for a template that the caller has read; see workload.Finder.PodTemplate.
func (r Runner) RunTemplate(ctx context.Context, t task.Task, template *workload.Template, sink task.Sink) task.Result {
	return r.run(ctx, t, template, nil, sink)
}

func (r Runner) run(ctx context.Context, t task.Task, template *workload.Template, next []*unstructured.Unstructured, sink task.Sink) task.Result {
	made, err := build(template, t.Executor.(task.Clone))
	if err == nil {
		err = r.checkClaims(ctx, made.Spec, sink)
	}
	var copies []*unstructured.Unstructured
	if err == nil {
		copies, err = r.copies(ctx, next, &made.Spec)
	}
	if err != nil || ctx.Err() != nil {
		return failed(ctx, err)
	}
	if len(copies) > 0 {
		return r.runWithCopies(ctx, t, made, copies, sink)
	}
	t.Executor = made
	return r.Pods.Run(ctx, t, sink)
}

// failed returns the result of a task whose pod could not be built.
func failed(ctx context.Context, err error) task.Result {
	if ctx.Err() != nil {
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	}
	return task.Result{State: task.Failed, Reason: "Template", Message: err.Error()}
}

// template returns the pod template. When it comes from the objects that Helm is going to apply, these are returned too.
func (r Runner) template(ctx context.Context, c task.Clone) (*workload.Template, []*unstructured.Unstructured, error) {
	if !c.Next || r.Next == nil {
		template, err := r.Cluster.PodTemplate(ctx, r.Pods.Namespace, c.From)
		return template, nil, err
	}
	objects, err := r.Next()
	if err != nil {
		return nil, nil, fmt.Errorf("rendering the release: %w", err)
	}
	template, err := r.Cluster.PodTemplateIn(objects, r.Pods.Namespace, c.From)
	return template, objects, err
}

// checkClaims shows on which node alone the pod can run when another pod uses one of its claims, and returns an error when
// it can run on none.
func (r Runner) checkClaims(ctx context.Context, spec corev1.PodSpec, sink task.Sink) error {
	for _, v := range spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		claim := v.PersistentVolumeClaim.ClaimName
		use, err := r.Cluster.ClaimUse(ctx, r.Pods.Namespace, claim)
		switch {
		case apierrors.IsForbidden(err):
			continue
		case err != nil:
			return fmt.Errorf("PersistentVolumeClaim %s in namespace %q, which the pod needs: %w", claim, r.Pods.Namespace, err)
		case len(use.Pods) == 0:
			continue
		}
		by := use.Pods[0]
		if use.OnePod {
			return fmt.Errorf("PersistentVolumeClaim %s is ReadWriteOncePod and in use by pod %s on node %s: no other pod can have it", claim, by.Name, by.Spec.NodeName)
		}
		sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "PersistentVolumeClaim %s is ReadWriteOnce and in use by pod %s: the clone can run on its node %s only\n", claim, by.Name, by.Spec.NodeName)})
	}
	return nil
}

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
				return task.Pod{}, fmt.Errorf("container %s of %s mounts %q, which each of its pods has of its own: use exec, or a pod that names one", o.Name, template.Of, m.Name)
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
