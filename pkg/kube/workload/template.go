package workload

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubectl/pkg/cmd/util/podcmd"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Template is the pod template of a workload.
type Template struct {
	corev1.PodTemplateSpec
	// Of is the workload, such as "deployment/web".
	Of string
	// Claims are the names of the volume claim templates of a StatefulSet. The template itself does not have these
	// volumes.
	Claims []string
}

// PodTemplate returns the template of a workload in the cluster, given as KIND/NAME: of a Deployment, StatefulSet,
// DaemonSet, ReplicaSet, ReplicationController, Job or CronJob, or a pod itself. The error is the server's, or that the
// kind has no template.
func (f Finder) PodTemplate(ctx context.Context, namespace, from string) (*Template, error) {
	named, resource, err := f.Client.Named(namespace, from)
	if err != nil {
		return nil, err
	}
	client, err := f.Client.Dynamic()
	if err != nil {
		return nil, err
	}
	o, err := client.Resource(resource).Namespace(named.GetNamespace()).Get(ctx, named.GetName(), metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("%s in namespace %q: %w", kube.Name(named), namespace, err)
	}
	return templateOf(o)
}

// PodTemplateIn is PodTemplate for a workload among the objects, which may not be in the cluster yet.
func (f Finder) PodTemplateIn(objects []*unstructured.Unstructured, namespace, from string) (*Template, error) {
	named, _, err := f.Client.Named(namespace, from)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if o.GroupVersionKind().GroupKind() == named.GroupVersionKind().GroupKind() && o.GetName() == named.GetName() && o.GetNamespace() == namespace {
			return templateOf(o)
		}
	}
	return nil, fmt.Errorf("%s is not one of the objects that Helm applies in namespace %q", kube.Name(named), namespace)
}

// templateOf returns the template in an object.
func templateOf(o *unstructured.Unstructured) (*Template, error) {
	path := []string{"spec", "template"}
	switch o.GetKind() {
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job":
	case "CronJob":
		path = []string{"spec", "jobTemplate", "spec", "template"}
	case "Pod":
		path = nil
	default:
		return nil, fmt.Errorf("%s: a %s has no pod template; name a workload", kube.Name(o), o.GetKind())
	}
	content, _, err := unstructured.NestedMap(o.Object, path...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kube.Name(o), err)
	}
	t := &Template{Of: kube.Name(o)}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &t.PodTemplateSpec); err != nil {
		return nil, fmt.Errorf("%s: %w", kube.Name(o), err)
	}
	claims, _, _ := unstructured.NestedSlice(o.Object, "spec", "volumeClaimTemplates")
	for _, claim := range claims {
		if m, ok := claim.(map[string]any); ok {
			name, _, _ := unstructured.NestedString(m, "metadata", "name")
			t.Claims = append(t.Claims, name)
		}
	}
	return t, nil
}

// DefaultContainer returns the name of the container to use when none is named: that in the annotation
// kubectl.kubernetes.io/default-container, else the first.
func (t *Template) DefaultContainer() string {
	if name := t.Annotations[podcmd.DefaultContainerAnnotationName]; name != "" {
		return name
	}
	if len(t.Spec.Containers) == 0 {
		return ""
	}
	return t.Spec.Containers[0].Name
}
