package keptn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// created are the objects that a Job needs and owns.
type created struct {
	client    kubernetes.Interface
	namespace string

	configMaps, secrets []string
	owned               bool
}

// manager is the field manager of the objects.
const manager = "kubectl-tasks"

// longest is the length to which a name is cut before a suffix is added.
const longest = 240

func (c *created) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: c.namespace, Labels: map[string]string{"app.kubernetes.io/managed-by": manager}}
}

func another(name string) string { return name[:min(len(name), longest)] + "-" + rand.String(5) }

// create creates the ConfigMap of inline code, and copies of a ConfigMap and a Secret that Helm has not applied yet. The
// Job then refers to them.
func (c *created) create(ctx context.Context, k *task.Keptn, next []*unstructured.Unstructured) error {
	code, name := k.Code, k.CodeMap
	if code == "" && k.CodeMap != "" {
		if o := find(next, "ConfigMap", k.CodeMap); o != nil && c.lacks(ctx, "ConfigMap", k.CodeMap) {
			code, _, _ = unstructured.NestedString(o.Object, "data", codeKey)
			name = another(k.CodeMap)
		}
	}
	if code != "" {
		configMap, err := c.configMap(ctx, name, code)
		if err != nil {
			return fmt.Errorf("the ConfigMap with the code of definition %q cannot be created: %w", k.Definition, err)
		}
		for i := range k.Job.Spec.Template.Spec.Volumes {
			if v := k.Job.Spec.Template.Spec.Volumes[i].ConfigMap; v != nil && v.Name == k.CodeMap {
				v.Name = configMap
			}
		}
	}
	if o := find(next, "Secret", k.Secret); o != nil && c.lacks(ctx, "Secret", k.Secret) {
		return c.secret(ctx, k, o)
	}
	return nil
}

// lacks reports whether the namespace has no object of that name yet.
func (c *created) lacks(ctx context.Context, kind, name string) bool {
	var err error
	if kind == "Secret" {
		_, err = c.client.CoreV1().Secrets(c.namespace).Get(ctx, name, metav1.GetOptions{})
	} else {
		_, err = c.client.CoreV1().ConfigMaps(c.namespace).Get(ctx, name, metav1.GetOptions{})
	}
	return apierrors.IsNotFound(err)
}

// configMap creates a ConfigMap with code, under another name when that one exists, and returns its name.
func (c *created) configMap(ctx context.Context, name, code string) (string, error) {
	create := func(name string) error {
		_, err := c.client.CoreV1().ConfigMaps(c.namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: c.meta(name), Data: map[string]string{codeKey: code}}, metav1.CreateOptions{FieldManager: manager})
		return err
	}
	err := create(name)
	if apierrors.IsAlreadyExists(err) {
		name = another(name)
		err = create(name)
	}
	if err == nil {
		c.configMaps = append(c.configMaps, name)
	}
	return name, err
}

// secret creates a copy of a Secret. The Job then refers to it.
func (c *created) secret(ctx context.Context, k *task.Keptn, o *unstructured.Unstructured) error {
	var wanted corev1.Secret
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &wanted); err != nil {
		return fmt.Errorf("secret %q of the chart: %w", k.Secret, err)
	}
	copied := &corev1.Secret{ObjectMeta: c.meta(another(k.Secret)), Data: wanted.Data, StringData: wanted.StringData}
	if _, err := c.client.CoreV1().Secrets(c.namespace).Create(ctx, copied, metav1.CreateOptions{FieldManager: manager}); err != nil {
		return fmt.Errorf("a copy of secret %q, which Helm has not applied yet, cannot be created: %w", k.Secret, err)
	}
	c.secrets = append(c.secrets, copied.Name)
	for i := range k.Job.Spec.Template.Spec.Containers {
		for _, e := range k.Job.Spec.Template.Spec.Containers[i].Env {
			if from := e.ValueFrom; from != nil && from.SecretKeyRef != nil && from.SecretKeyRef.Name == k.Secret {
				from.SecretKeyRef.Name = copied.Name
			}
		}
	}
	return nil
}

// own makes the Job the owner of all objects, so that they are deleted with it.
func (c *created) own(ctx context.Context, owner *batchv1.Job) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"ownerReferences": []metav1.OwnerReference{*metav1.NewControllerRef(owner, batchv1.SchemeGroupVersion.WithKind("Job"))},
	}})
	if err != nil {
		return err
	}
	options := metav1.PatchOptions{FieldManager: manager}
	for _, name := range c.configMaps {
		if _, err := c.client.CoreV1().ConfigMaps(c.namespace).Patch(ctx, name, types.MergePatchType, patch, options); err != nil {
			return fmt.Errorf("configmap %s: %w", name, err)
		}
	}
	for _, name := range c.secrets {
		if _, err := c.client.CoreV1().Secrets(c.namespace).Patch(ctx, name, types.MergePatchType, patch, options); err != nil {
			return fmt.Errorf("secret %s: %w", name, err)
		}
	}
	c.owned = true
	return nil
}

// remove deletes the objects when no Job owns them.
func (c *created) remove(ctx context.Context, sink task.Sink) {
	ctx = context.WithoutCancel(ctx)
	var all []error
	for _, name := range c.configMaps {
		all = append(all, c.client.CoreV1().ConfigMaps(c.namespace).Delete(ctx, name, metav1.DeleteOptions{}))
	}
	for _, name := range c.secrets {
		all = append(all, c.client.CoreV1().Secrets(c.namespace).Delete(ctx, name, metav1.DeleteOptions{}))
	}
	if err := errors.Join(all...); err != nil {
		sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "the objects of the task could not be deleted: %v\n", err)})
	}
}

// find returns the core object of that kind and name; nil when there is none, or no name.
func find(objects []*unstructured.Unstructured, kind, name string) *unstructured.Unstructured {
	for _, o := range objects {
		if name != "" && o.GetAPIVersion() == "v1" && o.GetKind() == kind && o.GetName() == name {
			return o
		}
	}
	return nil
}
