package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// NoPodsError tells why there is no pod to run in.
type NoPodsError struct {
	// Of is what the pods were looked for of, such as "deployment/web".
	Of string
	// Why says what is there instead.
	Why string
	// Unready tells that there are pods, and that none of them is ready.
	Unready bool
	// Zero tells that it is a workload that is scaled to zero.
	Zero bool
}

// Error says both.
func (e *NoPodsError) Error() string { return fmt.Sprintf("no ready pod of %s: %s", e.Of, e.Why) }

// TargetPods returns the pods of a workload, a Service or a pod, given as KIND/NAME, in which a
// program can run: Ready, not being deleted, and of a workload's newest revision, sorted by name.
// None is a *NoPodsError that says why.
func (c *Client) TargetPods(ctx context.Context, namespace, target string) ([]corev1.Pod, error) {
	o, _, err := c.named(namespace, target)
	if err != nil {
		return nil, err
	}
	kind := o.GroupVersionKind().GroupKind()
	var all []corev1.Pod
	switch {
	case kind == schema.GroupKind{Kind: "Service"}:
		all, err = c.servicePods(ctx, o)
	case workloads[kind].Resource != "":
		all, err = c.newestPods(ctx, o)
	default:
		return nil, fmt.Errorf("%s: programs run in the pods of a Deployment, StatefulSet, DaemonSet, ReplicaSet, Service or Pod", target)
	}
	if err != nil {
		return nil, fmt.Errorf("%s in namespace %q: %w", Name(o), namespace, err)
	}
	if !slices.ContainsFunc(all, func(p corev1.Pod) bool { return p.DeletionTimestamp == nil }) {
		// The last pods of what was scaled to zero take their time.
		if why, zero := c.whyNoPods(ctx, o); zero || len(all) == 0 {
			return nil, &NoPodsError{Of: Name(o), Why: why, Zero: zero}
		}
	}
	return usable(all, Name(o))
}

// ReadyPods is TargetPods for a workload, of whose older revisions a pod will do when the newest has
// none that is ready.
func (c *Client) ReadyPods(ctx context.Context, namespace, workload string) ([]corev1.Pod, error) {
	pods, err := c.TargetPods(ctx, namespace, workload)
	none, _ := errors.AsType[*NoPodsError](err)
	if none == nil || none.Zero {
		return pods, err
	}
	o, resource, err := c.named(namespace, workload)
	if err != nil {
		return nil, err
	}
	client, err := c.in(resource, namespace)
	if err != nil {
		return nil, err
	}
	live, err := client.Get(ctx, o.GetName(), metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("%s in namespace %q: %w", Name(o), namespace, err)
	}
	var selector metav1.LabelSelector
	content, _, _ := unstructured.NestedMap(live.Object, "spec", "selector")
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &selector); err != nil {
		return nil, err
	}
	parsed, err := metav1.LabelSelectorAsSelector(&selector)
	if err != nil || parsed.Empty() {
		return nil, none
	}
	all, err := c.pods(ctx, namespace, parsed)
	if err != nil {
		return nil, err
	}
	if pods, err := usable(all, Name(o)); err == nil {
		return pods, nil
	}
	return nil, none
}

// SelectorPods is TargetPods for the pods that a label selector matches.
func (c *Client) SelectorPods(ctx context.Context, namespace, selector string) ([]corev1.Pod, error) {
	parsed, err := labels.Parse(selector)
	if err != nil {
		return nil, fmt.Errorf("selector %q: %w", selector, err)
	}
	all, err := c.pods(ctx, namespace, parsed)
	if err != nil {
		return nil, err
	}
	of := fmt.Sprintf("selector %q", selector)
	if len(all) == 0 {
		return nil, &NoPodsError{Of: of, Why: fmt.Sprintf("none in namespace %q matches", namespace)}
	}
	return usable(all, of)
}

// usable returns the pods a program can run in.
func usable(all []corev1.Pod, of string) ([]corev1.Pod, error) {
	ready := slices.DeleteFunc(slices.Clone(all), func(p corev1.Pod) bool { return p.DeletionTimestamp != nil || !isReady(&p) })
	if len(ready) > 0 {
		slices.SortFunc(ready, func(a, b corev1.Pod) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
		})
		return ready, nil
	}
	var why []string
	for i := range all {
		state := stuck(&all[i])
		switch {
		case all[i].DeletionTimestamp != nil:
			state = "is being deleted"
		case state == "":
			state = strings.ToLower(string(all[i].Status.Phase))
		}
		why = append(why, fmt.Sprintf("pod %s: %s", all[i].Name, state))
	}
	return nil, &NoPodsError{Of: of, Why: strings.Join(why, "; "), Unready: true}
}

// servicePods returns the pods that the Service selects.
func (c *Client) servicePods(ctx context.Context, o *unstructured.Unstructured) ([]corev1.Pod, error) {
	client, err := c.Interface()
	if err != nil {
		return nil, err
	}
	service, err := client.CoreV1().Services(o.GetNamespace()).Get(ctx, o.GetName(), metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	if len(service.Spec.Selector) == 0 {
		return nil, fmt.Errorf("it selects no pods: name the workload behind it")
	}
	return c.pods(ctx, o.GetNamespace(), labels.SelectorFromSet(service.Spec.Selector))
}

func (c *Client) pods(ctx context.Context, namespace string, selector labels.Selector) ([]corev1.Pod, error) {
	client, err := c.Interface()
	if err != nil {
		return nil, err
	}
	list, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// whyNoPods says why a workload has no pod, and whether that is because it is scaled to zero.
func (c *Client) whyNoPods(ctx context.Context, o *unstructured.Unstructured) (why string, zero bool) {
	client, err := c.Dynamic()
	if err != nil {
		return err.Error(), false
	}
	resource, ok := workloads[o.GroupVersionKind().GroupKind()]
	if !ok {
		return "it selects none", false
	}
	live, err := client.Resource(resource).Namespace(o.GetNamespace()).Get(ctx, o.GetName(), metav1.GetOptions{})
	if err != nil {
		return err.Error(), false
	}
	if replicas, found, _ := unstructured.NestedInt64(live.Object, "spec", "replicas"); found && replicas == 0 {
		return "it is scaled to zero", true
	}
	return "it has none of its newest revision", false
}
