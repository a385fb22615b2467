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

// made are the objects that a Job needs beside it and that go with it.
type made struct {
	client    kubernetes.Interface
	namespace string

	configMaps, secrets []string
	owned               bool
}

// manager is the field manager of what is made.
const manager = "kubectl-tasks"

// longest is how much of a name is kept when something is put after it.
const longest = 240

func (m *made) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: m.namespace, Labels: map[string]string{"app.kubernetes.io/managed-by": manager}}
}

func another(name string) string { return name[:min(len(name), longest)] + "-" + rand.String(5) }

// make makes the ConfigMap of inline code, and copies of a ConfigMap and a Secret that Helm is only going to
// apply; the Job refers to them then.
func (m *made) make(ctx context.Context, k *task.Keptn, next []*unstructured.Unstructured) error {
	code, name := k.Code, k.CodeMap
	if code == "" && k.CodeMap != "" {
		if o := find(next, "ConfigMap", k.CodeMap); o != nil && m.lacks(ctx, "ConfigMap", k.CodeMap) {
			code, _, _ = unstructured.NestedString(o.Object, "data", codeKey)
			name = another(k.CodeMap)
		}
	}
	if code != "" {
		made, err := m.configMap(ctx, name, code)
		if err != nil {
			return fmt.Errorf("the ConfigMap with the code of definition %q cannot be made: %w", k.Definition, err)
		}
		for i := range k.Job.Spec.Template.Spec.Volumes {
			if v := k.Job.Spec.Template.Spec.Volumes[i].ConfigMap; v != nil && v.Name == k.CodeMap {
				v.Name = made
			}
		}
	}
	if o := find(next, "Secret", k.Secret); o != nil && m.lacks(ctx, "Secret", k.Secret) {
		return m.secret(ctx, k, o)
	}
	return nil
}

// lacks reports whether the namespace has no object of that name yet.
func (m *made) lacks(ctx context.Context, kind, name string) bool {
	var err error
	if kind == "Secret" {
		_, err = m.client.CoreV1().Secrets(m.namespace).Get(ctx, name, metav1.GetOptions{})
	} else {
		_, err = m.client.CoreV1().ConfigMaps(m.namespace).Get(ctx, name, metav1.GetOptions{})
	}
	return apierrors.IsNotFound(err)
}

// configMap makes a ConfigMap with code, under another name when that one is taken, and returns its name.
func (m *made) configMap(ctx context.Context, name, code string) (string, error) {
	create := func(name string) error {
		_, err := m.client.CoreV1().ConfigMaps(m.namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: m.meta(name), Data: map[string]string{codeKey: code}}, metav1.CreateOptions{FieldManager: manager})
		return err
	}
	err := create(name)
	if apierrors.IsAlreadyExists(err) {
		name = another(name)
		err = create(name)
	}
	if err == nil {
		m.configMaps = append(m.configMaps, name)
	}
	return name, err
}

// secret makes a copy of a Secret, and has the Job refer to it.
func (m *made) secret(ctx context.Context, k *task.Keptn, o *unstructured.Unstructured) error {
	var wanted corev1.Secret
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &wanted); err != nil {
		return fmt.Errorf("secret %q of the chart: %w", k.Secret, err)
	}
	copied := &corev1.Secret{ObjectMeta: m.meta(another(k.Secret)), Data: wanted.Data, StringData: wanted.StringData}
	if _, err := m.client.CoreV1().Secrets(m.namespace).Create(ctx, copied, metav1.CreateOptions{FieldManager: manager}); err != nil {
		return fmt.Errorf("a copy of secret %q, which the chart is only going to bring, cannot be made: %w", k.Secret, err)
	}
	m.secrets = append(m.secrets, copied.Name)
	for i := range k.Job.Spec.Template.Spec.Containers {
		for _, e := range k.Job.Spec.Template.Spec.Containers[i].Env {
			if from := e.ValueFrom; from != nil && from.SecretKeyRef != nil && from.SecretKeyRef.Name == k.Secret {
				from.SecretKeyRef.Name = copied.Name
			}
		}
	}
	return nil
}

// own makes the Job the owner of all, so that they go with it.
func (m *made) own(ctx context.Context, owner *batchv1.Job) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"ownerReferences": []metav1.OwnerReference{*metav1.NewControllerRef(owner, batchv1.SchemeGroupVersion.WithKind("Job"))},
	}})
	if err != nil {
		return err
	}
	options := metav1.PatchOptions{FieldManager: manager}
	for _, name := range m.configMaps {
		if _, err := m.client.CoreV1().ConfigMaps(m.namespace).Patch(ctx, name, types.MergePatchType, patch, options); err != nil {
			return fmt.Errorf("configmap %s: %w", name, err)
		}
	}
	for _, name := range m.secrets {
		if _, err := m.client.CoreV1().Secrets(m.namespace).Patch(ctx, name, types.MergePatchType, patch, options); err != nil {
			return fmt.Errorf("secret %s: %w", name, err)
		}
	}
	m.owned = true
	return nil
}

// remove deletes what no Job owns.
func (m *made) remove(ctx context.Context, sink task.Sink) {
	ctx = context.WithoutCancel(ctx)
	var all []error
	for _, name := range m.configMaps {
		all = append(all, m.client.CoreV1().ConfigMaps(m.namespace).Delete(ctx, name, metav1.DeleteOptions{}))
	}
	for _, name := range m.secrets {
		all = append(all, m.client.CoreV1().Secrets(m.namespace).Delete(ctx, name, metav1.DeleteOptions{}))
	}
	if err := errors.Join(all...); err != nil {
		sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "what was made for the task could not be deleted: %v\n", err)})
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
