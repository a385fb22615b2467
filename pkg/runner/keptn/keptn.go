// Package keptn runs Keptn's task definitions: a Job as Keptn's operator makes it, and the ConfigMap with its code.
package keptn

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	// Next returns the objects that Helm is going to apply; nil when the cluster has them already.
	Next func() ([]*unstructured.Unstructured, error)
}

const (
	// codeKey and secretKey are the keys of the ConfigMap and the Secret that Keptn reads.
	codeKey   = "code"
	secretKey = "SECURE_DATA"
)

// Check returns an error when the task needs a Secret or a ConfigMap that neither exists nor is going to be applied: its
// pod would not start. An object that the user may not read is assumed to exist.
func Check(ctx context.Context, client kubernetes.Interface, namespace string, k task.Keptn, next []*unstructured.Unstructured) error {
	if k.Secret != "" && find(next, "Secret", k.Secret) == nil {
		secret, err := client.CoreV1().Secrets(namespace).Get(ctx, k.Secret, metav1.GetOptions{})
		switch {
		case apierrors.IsForbidden(err):
		case apierrors.IsNotFound(err):
			return fmt.Errorf("definition %q needs secret %q, which is not in namespace %q", k.Definition, k.Secret, namespace)
		case err != nil:
			return fmt.Errorf("secret %q: %w", k.Secret, err)
		default:
			if _, has := secret.Data[secretKey]; !has {
				return fmt.Errorf("definition %q: secret %q in namespace %q has no key %s", k.Definition, k.Secret, namespace, secretKey)
			}
		}
	}
	if k.CodeMap == "" || k.Code != "" || find(next, "ConfigMap", k.CodeMap) != nil {
		return nil
	}
	config, err := client.CoreV1().ConfigMaps(namespace).Get(ctx, k.CodeMap, metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err):
	case apierrors.IsNotFound(err):
		return fmt.Errorf("definition %q needs configmap %q, which is not in namespace %q", k.Definition, k.CodeMap, namespace)
	case err != nil:
		return fmt.Errorf("configmap %q: %w", k.CodeMap, err)
	default:
		if _, has := config.Data[codeKey]; !has {
			return fmt.Errorf("definition %q: configmap %q in namespace %q has no key %s", k.Definition, k.CodeMap, namespace, codeKey)
		}
	}
	return nil
}

// Run creates the ConfigMap of inline code and the Job that owns it, and follows the Job to its end; see job.Runner.Run.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	k, ok := t.Executor.(task.Keptn)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is no keptn task", t.Executor)}
	}
	client, err := r.Cluster.Interface()
	var next []*unstructured.Unstructured
	if err == nil && r.Next != nil {
		next, err = r.Next()
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
