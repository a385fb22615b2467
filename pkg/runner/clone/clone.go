package clone

import (
	"context"
	"fmt"

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
	// Rendered returns the objects that Helm is going to apply; nil when the cluster has them already.
	Rendered func() ([]*unstructured.Unstructured, error)
}

// Run builds a pod from the workload's template, and runs it as a pod task; see pod.Runner.Run.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	c, ok := t.Executor.(task.Clone)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is not a clone task", t.Executor)}
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
	if !c.Next || r.Rendered == nil {
		template, err := r.Cluster.PodTemplate(ctx, r.Pods.Namespace, c.From)
		return template, nil, err
	}
	objects, err := r.Rendered()
	if err != nil {
		return nil, nil, fmt.Errorf("rendering the release: %w", err)
	}
	template, err := r.Cluster.PodTemplateIn(objects, r.Pods.Namespace, c.From)
	return template, objects, err
}
