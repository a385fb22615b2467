package clone

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/job"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// copies returns copies, under new names, of the objects that the pod refers to and that the cluster lacks, or has with
// other content than Helm is going to apply. The pod then refers to the copies.
func (r Runner) copies(ctx context.Context, next []*unstructured.Unstructured, spec *corev1.PodSpec) ([]*unstructured.Unstructured, error) {
	var copies []*unstructured.Unstructured
	names := map[string]string{}
	var failed error
	visit(spec, func(kind string, name *string) {
		if failed != nil || *name == "" {
			return
		}
		id := kind + "/" + *name
		if _, known := names[id]; !known {
			names[id] = *name
			wanted := find(next, kind, *name, r.Pods.Namespace)
			if wanted == nil {
				return
			}
			live, err := r.Cluster.Live(ctx, wanted)
			if err != nil {
				failed = err
				return
			}
			if live == nil || kind != serviceAccount && !sameData(live, wanted) {
				c := copyOf(wanted)
				names[id] = c.GetName()
				copies = append(copies, c)
			}
		}
		*name = names[id]
	})
	return copies, failed
}

const serviceAccount = "ServiceAccount"

// find returns the core object of that kind and name.
func find(objects []*unstructured.Unstructured, kind, name, namespace string) *unstructured.Unstructured {
	for _, o := range objects {
		if o.GetAPIVersion() == "v1" && o.GetKind() == kind && o.GetName() == name && o.GetNamespace() == namespace {
			return o
		}
	}
	return nil
}

// copyOf returns the content of an object under a new name, without labels and annotations by which others would select
// it.
func copyOf(o *unstructured.Unstructured) *unstructured.Unstructured {
	c := o.DeepCopy()
	unstructured.RemoveNestedField(c.Object, "metadata")
	unstructured.RemoveNestedField(c.Object, "immutable")
	name := o.GetName()
	c.SetName(name[:min(len(name), 240)] + "-" + rand.String(5))
	c.SetNamespace(o.GetNamespace())
	c.SetLabels(map[string]string{"app.kubernetes.io/managed-by": "kubectl-tasks"})
	return c
}

// sameData reports whether a ConfigMap or a Secret has the data that is going to be applied.
func sameData(live, wanted *unstructured.Unstructured) bool {
	return reflect.DeepEqual(data(live), data(wanted))
}

// data returns the data of a ConfigMap or a Secret, in the form in which the server stores it.
func data(o *unstructured.Unstructured) map[string]string {
	all := map[string]string{}
	for _, field := range []string{"data", "binaryData", "stringData"} {
		values, _, _ := unstructured.NestedMap(o.Object, field)
		for key, v := range values {
			text := fmt.Sprint(v)
			if field == "stringData" {
				text = base64.StdEncoding.EncodeToString([]byte(text))
			}
			all[key] = text
		}
	}
	return all
}

// runWithCopies runs the pod with copies of the objects that it needs, in a Job that owns them. The cluster deletes the Job
// after its TTL, so that no copy is left after a crash.
func (r Runner) runWithCopies(ctx context.Context, t task.Task, made task.Pod, copies []*unstructured.Unstructured, sink task.Sink) task.Result {
	// The server refuses a pod without its ServiceAccount, so that is created before its owner.
	var early []*unstructured.Unstructured
	for i, c := range copies {
		if c.GetKind() != serviceAccount {
			continue
		}
		account, err := r.Cluster.CreateObject(ctx, c)
		if err != nil {
			return task.Result{State: task.Failed, Reason: "NotCreated", Message: fmt.Sprintf("a copy of ServiceAccount %s cannot be created: %v", made.Spec.ServiceAccountName, err)}
		}
		early = append(early, account)
		copies = append(copies[:i:i], copies[i+1:]...)
		break
	}
	j := task.Job{Main: made.Main, Labels: made.Labels, Annotations: made.Annotations}
	j.Spec.Template.Spec = made.Spec
	t.Executor = j
	owned := false
	result := job.Runner{Cluster: r.Cluster, Pods: r.Pods, AfterCreate: func(ctx context.Context, owner *batchv1.Job) error {
		references := []metav1.OwnerReference{*metav1.NewControllerRef(owner, batchv1.SchemeGroupVersion.WithKind("Job"))}
		for _, c := range copies {
			c.SetOwnerReferences(references)
			if _, err := r.Cluster.CreateObject(ctx, c); err != nil {
				return fmt.Errorf("a copy of %s cannot be created: %w", c.GetKind(), err)
			}
		}
		for _, account := range early {
			patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"ownerReferences": references}})
			if err == nil {
				err = r.Cluster.PatchObject(ctx, account, patch)
			}
			if err != nil {
				return fmt.Errorf("ServiceAccount %s: %w", account.GetName(), err)
			}
		}
		owned = true
		return nil
	}}.Run(ctx, t, sink)
	if !owned {
		for _, account := range early {
			if err := r.Cluster.DeleteObject(context.WithoutCancel(ctx), account); err != nil {
				sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "ServiceAccount %s could not be deleted: %v\n", account.GetName(), err)})
			}
		}
	}
	return result
}
