package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The annotations that make a ConfigMap a task document.
const (
	// ReleaseAnnotation names the release of the document; "*" means every release of the namespace.
	ReleaseAnnotation = "kubectl-tasks.io/release"
	// FormatAnnotation names the format. Without it the names of the keys decide.
	FormatAnnotation = "kubectl-tasks.io/format"
)

// annotated returns the documents of the namespace's ConfigMaps that are annotated for the release. It
// transfers only the metadata of other ConfigMaps.
func (f Finder) annotated(ctx context.Context) ([]format.Document, []string, error) {
	if f.Release == "" {
		return nil, nil, nil
	}
	rendered, err := f.rendered()
	if err != nil {
		return nil, nil, err
	}
	var documents []format.Document
	for i := range rendered {
		if !isFor(&rendered[i], f.Release) {
			continue
		}
		found, err := f.configMap(ctx, rendered[i].Name, "")
		if err != nil {
			return nil, nil, err
		}
		documents = append(documents, found...)
	}
	list, err := f.Client.ConfigMapMetadata(ctx, f.Namespace)
	if apierrors.IsForbidden(err) {
		return documents, []string{fmt.Sprintf("not allowed to list ConfigMaps in namespace %q: tasks in annotated ConfigMaps are ignored", f.Namespace)}, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("finding annotated ConfigMaps in namespace %q: %w", f.Namespace, err)
	}
	for i := range list {
		named := func(cm corev1.ConfigMap) bool { return cm.Name == list[i].Name }
		if !isFor(&list[i], f.Release) || slices.ContainsFunc(rendered, named) {
			continue
		}
		found, err := f.configMap(ctx, list[i].Name, "")
		if err != nil {
			return nil, nil, err
		}
		documents = append(documents, found...)
	}
	return documents, nil, nil
}

// isFor reports whether an object is annotated for a release.
func isFor(o metav1.Object, release string) bool {
	name, ok := o.GetAnnotations()[ReleaseAnnotation]
	return ok && (name == "*" || name == release)
}

// rendered returns the ConfigMaps of the namespace that Helm is going to apply.
func (f Finder) rendered() ([]corev1.ConfigMap, error) {
	if f.Rendered == nil {
		return nil, nil
	}
	all, err := f.Rendered()
	if err != nil {
		return nil, fmt.Errorf("finding annotated ConfigMaps in the chart: %w", err)
	}
	return slices.DeleteFunc(all, func(cm corev1.ConfigMap) bool { return cm.Namespace != "" && cm.Namespace != f.Namespace }), nil
}

// get returns a ConfigMap that Helm is going to apply, else that of the cluster.
func (f Finder) get(ctx context.Context, name string) (*corev1.ConfigMap, error) {
	rendered, err := f.rendered()
	if err != nil {
		return nil, err
	}
	for i := range rendered {
		if rendered[i].Name == name {
			return &rendered[i], nil
		}
	}
	client, err := f.Client.Interface()
	if err != nil {
		return nil, err
	}
	return client.CoreV1().ConfigMaps(f.Namespace).Get(ctx, name, metav1.GetOptions{})
}

// configMap returns the documents of a ConfigMap: the one of the key, or all recognised ones when the key is
// empty.
func (f Finder) configMap(ctx context.Context, name, key string) ([]format.Document, error) {
	if f.Client == nil {
		return nil, fmt.Errorf("configmap/%s: there is no cluster to read it from", name)
	}
	cm, err := f.get(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("configmap/%s in namespace %q: %w", name, f.Namespace, err)
	}
	if owner := cm.Annotations[ReleaseAnnotation]; owner != "" && f.Release != "" && !isFor(cm, f.Release) {
		return nil, fmt.Errorf("configmap/%s in namespace %q is annotated for release %q, not %q: change its annotation %s, or use \"*\"",
			name, f.Namespace, owner, f.Release, ReleaseAnnotation)
	}
	documents, err := f.documents(cm, key)
	if err != nil {
		return nil, fmt.Errorf("configmap/%s in namespace %q: %w", name, f.Namespace, err)
	}
	return documents, nil
}

// documents returns the documents in the data of a ConfigMap; see configMap.
func (f Finder) documents(cm *corev1.ConfigMap, key string) ([]format.Document, error) {
	keys := make([]string, 0, len(cm.Data))
	for k := range cm.Data {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if key != "" {
		if !slices.Contains(keys, key) {
			return nil, fmt.Errorf("no key %q; it has %s", key, strings.Join(keys, ", "))
		}
		keys = []string{key}
	}

	annotated := cm.Annotations[FormatAnnotation]
	if f.Format != "" {
		annotated = f.Format
	}
	if _, ok := f.Formats.ByName(annotated); annotated != "" && !ok {
		return nil, fmt.Errorf("annotation %s: unknown format %q", FormatAnnotation, annotated)
	}
	var documents []format.Document
	for _, k := range keys {
		is, ok := f.Formats.ByFile(k, []byte(cm.Data[k]))
		if annotated != "" {
			// The only key can have any name when the annotation gives the format.
			is, ok = f.Formats.ByName(annotated)
			ok = ok && (len(keys) == 1 || slices.Contains(is.Files, k))
		}
		if !ok {
			continue
		}
		documents = append(documents, format.Document{
			Source: task.Source{Name: "configmap/" + cm.Name + "/" + k, Format: is.Name},
			Text:   []byte(cm.Data[k]),
			Glob:   globNames(maps.Keys(cm.Data)),
			ReadFile: func(name string) ([]byte, error) {
				if other, ok := cm.Data[name]; ok {
					return []byte(other), nil
				}
				return nil, notFoundError{fmt.Sprintf("configmap/%s has no key %s", cm.Name, name)}
			},
		})
	}
	if len(documents) == 0 {
		if len(keys) == 0 {
			return nil, errors.New("it has no data")
		}
		return nil, fmt.Errorf("no key has the name of a task file (%s); its keys are %s", f.Formats.FileNames(), strings.Join(keys, ", "))
	}
	return documents, nil
}
