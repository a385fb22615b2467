package workload

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Selects reports whether a workload or a Service, given as KIND/NAME, selects the pod by its labels, or is the pod.
// The revision does not matter.
func (f Finder) Selects(ctx context.Context, namespace, target string, pod *corev1.Pod) (bool, error) {
	o, resource, err := f.Client.Named(namespace, target)
	if err != nil {
		return false, err
	}
	if pod.Namespace != namespace {
		return false, nil
	}
	if o.GetKind() == "Pod" {
		return o.GetName() == pod.Name, nil
	}
	client, err := f.Client.Resource(resource, namespace)
	if err != nil {
		return false, err
	}
	live, err := client.Get(ctx, o.GetName(), metav1.GetOptions{})
	if err != nil {
		return false, fmt.Errorf("%s in namespace %q: %w", kube.Name(o), namespace, err)
	}
	selector, err := podSelector(live)
	if err != nil {
		return false, fmt.Errorf("%s in namespace %q: %w", kube.Name(o), namespace, err)
	}
	return !selector.Empty() && selector.Matches(labels.Set(pod.Labels)), nil
}

// podSelector returns the selector of a workload or, as a plain map, of a Service or a ReplicationController.
func podSelector(o *unstructured.Unstructured) (labels.Selector, error) {
	if plain, found, err := unstructured.NestedStringMap(o.Object, "spec", "selector"); found && err == nil {
		return labels.SelectorFromSet(plain), nil
	}
	content, _, err := unstructured.NestedMap(o.Object, "spec", "selector")
	if err != nil {
		return nil, err
	}
	var selector metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &selector); err != nil {
		return nil, err
	}
	return metav1.LabelSelectorAsSelector(&selector)
}
