// Package keptn runs Keptn's task definitions: a Job as Keptn's operator makes it, and the ConfigMap with its code.
package keptn

import (
	"context"
	"encoding/json"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/job"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Cluster is what the runner needs of a cluster; *kube.Client is one.
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
}

const (
	// codeKey and secretKey are the keys of the ConfigMap and the Secret that Keptn reads.
	codeKey   = "code"
	secretKey = "SECURE_DATA"
)

// Check returns what the task needs and the namespace has not; an error for each would otherwise be a pod
// that does not start. What may not be looked at is taken to be there.
func Check(ctx context.Context, client kubernetes.Interface, namespace string, k task.Keptn) error {
	if k.Secret != "" {
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
	if k.CodeMap == "" || k.Code != "" {
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

// Run makes the ConfigMap of inline code and the Job that owns it, and follows the Job to its end; see
// job.Runner.Run.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	k, ok := t.Executor.(task.Keptn)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is no keptn task", t.Executor)}
	}
	client, err := r.Cluster.Interface()
	if err == nil {
		err = Check(ctx, client, r.Namespace, k)
	}
	var code *corev1.ConfigMap
	if err == nil && k.Code != "" {
		code, err = r.makeCode(ctx, client, &k)
	}
	switch {
	case ctx.Err() != nil && code == nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	case err != nil:
		return task.Result{State: task.Failed, Reason: "Definition", Message: err.Error()}
	}
	owned := false
	if code != nil {
		r.Jobs.Made = func(ctx context.Context, owner *batchv1.Job) error {
			owned = true
			return own(ctx, client, code, owner)
		}
	}
	t.Executor = task.Job{
		Spec: k.Job.Spec, Main: k.Main, Adapt: true, Labels: k.Job.Spec.Template.Labels,
		Annotations: k.Job.Spec.Template.Annotations, JobAnnotations: k.Job.Annotations,
	}
	result := r.Jobs.Run(ctx, t, sink)
	if code != nil && !owned {
		err := client.CoreV1().ConfigMaps(r.Namespace).Delete(context.WithoutCancel(ctx), code.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "configmap %s could not be deleted: %v\n", code.Name, err)})
		}
	}
	return result
}

// makeCode makes the ConfigMap of the code, under Keptn's name, or another one when that is taken, and
// makes the Job refer to it.
func (r Runner) makeCode(ctx context.Context, client kubernetes.Interface, k *task.Keptn) (*corev1.ConfigMap, error) {
	code := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: k.CodeMap, Namespace: r.Namespace, Labels: map[string]string{"app.kubernetes.io/managed-by": "kubectl-tasks"}},
		Data:       map[string]string{codeKey: k.Code},
	}
	// A request that is cancelled on its way may have made it all the same.
	ctx = context.WithoutCancel(ctx)
	made, err := client.CoreV1().ConfigMaps(r.Namespace).Create(ctx, code, metav1.CreateOptions{FieldManager: "kubectl-tasks"})
	if apierrors.IsAlreadyExists(err) {
		code.Name = k.CodeMap[:min(len(k.CodeMap), 240)] + "-" + rand.String(5)
		made, err = client.CoreV1().ConfigMaps(r.Namespace).Create(ctx, code, metav1.CreateOptions{FieldManager: "kubectl-tasks"})
	}
	if err != nil {
		return nil, fmt.Errorf("the ConfigMap with the code of definition %q cannot be made: %w", k.Definition, err)
	}
	k.Job = *k.Job.DeepCopy()
	for i := range k.Job.Spec.Template.Spec.Volumes {
		if v := k.Job.Spec.Template.Spec.Volumes[i].ConfigMap; v != nil && v.Name == k.CodeMap {
			v.Name = made.Name
		}
	}
	return made, nil
}

// own makes the Job the owner of the ConfigMap, so that it goes with it.
func own(ctx context.Context, client kubernetes.Interface, code *corev1.ConfigMap, owner *batchv1.Job) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"ownerReferences": []metav1.OwnerReference{*metav1.NewControllerRef(owner, batchv1.SchemeGroupVersion.WithKind("Job"))},
	}})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().ConfigMaps(code.Namespace).Patch(ctx, code.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kubectl-tasks"})
	if err != nil {
		return fmt.Errorf("configmap %s: %w", code.Name, err)
	}
	return nil
}
