package keptn

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/job"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Cluster is the part of a cluster that the runner needs; *kube.Client is one.
type Cluster interface {
	Interface() (kubernetes.Interface, error)
}

// Runner runs keptn tasks.
type Runner struct {
	Cluster Cluster
	// Namespace is where the Job runs.
	Namespace string
	// Jobs runs the Job.
	Jobs job.Runner
	// Rendered returns the objects that Helm is going to apply; nil when the cluster has them already.
	Rendered func() ([]*unstructured.Unstructured, error)
}

const (
	// codeKey and secretKey are the keys of the ConfigMap and the Secret that Keptn reads.
	codeKey   = "code"
	secretKey = "SECURE_DATA"
)

// Run creates the ConfigMap of inline code and the Job that owns it, and follows the Job to its end; see job.Runner.Run.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	k, ok := t.Executor.(task.Keptn)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is not a keptn task", t.Executor)}
	}
	client, err := r.Cluster.Interface()
	var next []*unstructured.Unstructured
	if err == nil && r.Rendered != nil {
		next, err = r.Rendered()
	}
	if err == nil {
		err = Check(ctx, client, r.Namespace, k, next)
	}
	objects := created{client: client, namespace: r.Namespace}
	if err == nil && ctx.Err() == nil {
		k.Job = *k.Job.DeepCopy()
		err = objects.create(context.WithoutCancel(ctx), &k, next)
	}
	if err != nil || ctx.Err() != nil {
		objects.remove(ctx, sink)
	}
	switch {
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	case err != nil:
		return task.Result{State: task.Failed, Reason: "Definition", Message: err.Error()}
	}
	r.Jobs.AfterCreate = objects.own
	t.Executor = task.Job{
		Spec: k.Job.Spec, Main: k.Main, Adapt: true, Labels: k.Job.Spec.Template.Labels,
		Annotations: k.Job.Spec.Template.Annotations, JobAnnotations: k.Job.Annotations,
	}
	result := r.Jobs.Run(ctx, t, sink)
	if !objects.owned {
		objects.remove(ctx, sink)
	}
	return result
}
