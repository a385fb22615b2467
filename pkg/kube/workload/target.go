package workload

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
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubectl/pkg/util/podutils"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Choice selects the pods in which a program may run. Pods that the update strategy of their workload does not replace
// by itself (OnDelete, below a partition, of a paused Deployment) may be of any revision.
type Choice struct {
	// AnyRevision includes pods that an update is going to replace.
	AnyRevision bool
	// Unready includes pods that are running but not Ready.
	Unready bool
}

// NoPodsError means that there is no pod to run in.
type NoPodsError struct {
	// Of is the target, such as "deployment/web".
	Of string
	// Why is the reason.
	Why string
	// Unready reports that pods exist, and none of them is ready.
	Unready bool
	// ScaledToZero reports that the target is a workload that is scaled to zero.
	ScaledToZero bool
	// Pending reports that a wait may help: pods exist or will be created.
	Pending bool
}

// Error returns the target and the reason.
func (e *NoPodsError) Error() string { return fmt.Sprintf("no ready pod of %s: %s", e.Of, e.Why) }

// TargetPods returns the pods of a workload, a Service or a pod, given as KIND/NAME, in which a program can run: Ready
// and not being deleted, those of a workload's newest revision first, then by name. When there are none, the error is a
// *NoPodsError.
func (f Finder) TargetPods(ctx context.Context, namespace, target string, choice Choice) ([]corev1.Pod, error) {
	o, _, err := f.Client.Named(namespace, target)
	if err != nil {
		return nil, err
	}
	kind := o.GroupVersionKind().GroupKind()
	var all []Pod
	switch {
	case kind == schema.GroupKind{Kind: "Service"}:
		all, err = f.servicePods(ctx, o)
	case kube.IsWorkload(kind):
		all, err = f.chosenPods(ctx, o, choice)
	default:
		return nil, fmt.Errorf("%s: programs run in the pods of a Deployment, StatefulSet, DaemonSet, ReplicaSet, Service or Pod", target)
	}
	none, _ := errors.AsType[*NoPodsError](err)
	if err != nil && none == nil {
		return nil, fmt.Errorf("%s in namespace %q: %w", kube.Name(o), namespace, err)
	}
	if !slices.ContainsFunc(all, func(p Pod) bool { return p.DeletionTimestamp == nil }) {
		// The last pods of a workload that was scaled to zero may still be terminating.
		why, zero := f.whyNoPods(ctx, o)
		switch {
		case none != nil && !zero:
			return nil, none
		case zero, len(all) == 0:
			return nil, &NoPodsError{Of: kube.Name(o), Why: why, ScaledToZero: zero, Pending: !zero && kube.IsWorkload(kind)}
		}
	}
	return usable(all, kube.Name(o), choice)
}

// SelectorPods is TargetPods for the pods that a label selector matches, of any revision.
func (f Finder) SelectorPods(ctx context.Context, namespace, selector string, choice Choice) ([]corev1.Pod, error) {
	parsed, err := labels.Parse(selector)
	if err != nil {
		return nil, fmt.Errorf("selector %q: %w", selector, err)
	}
	all, err := f.pods(ctx, namespace, parsed)
	if err != nil {
		return nil, err
	}
	of := fmt.Sprintf("selector %q", selector)
	if len(all) == 0 {
		return nil, &NoPodsError{Of: of, Why: fmt.Sprintf("none in namespace %q matches", namespace)}
	}
	return usable(all, of, choice)
}

// ReleasePods returns the pods of a release's workloads in which a task can run: Ready and not being deleted, those of
// the newest revision first, then by namespace and name. When there are none, the error is a *NoPodsError.
func (f Finder) ReleasePods(ctx context.Context, workloads []*unstructured.Unstructured, choice Choice) ([]corev1.Pod, error) {
	var pods []Pod
	var why *NoPodsError
	for _, w := range workloads {
		all, err := f.chosenPods(ctx, w, choice)
		if none, ok := errors.AsType[*NoPodsError](err); ok {
			why = none
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("pods of %s in namespace %q: %w", kube.Name(w), w.GetNamespace(), err)
		}
		for _, p := range all {
			// A pod can be in the chart and belong to a workload of it.
			if !slices.ContainsFunc(pods, func(other Pod) bool { return other.UID == p.UID }) {
				pods = append(pods, p)
			}
		}
	}
	switch {
	case len(pods) > 0:
		return usable(pods, "the release", choice)
	case why != nil:
		return nil, why
	}
	return nil, &NoPodsError{Of: "the release", Why: "release has no pods"}
}

// usable returns the pods in which a program can run, those of the newest revision first, then by namespace and name.
func usable(all []Pod, of string, choice Choice) ([]corev1.Pod, error) {
	slices.SortFunc(all, func(a, b Pod) int {
		switch {
		case a.Newest && !b.Newest:
			return -1
		case b.Newest && !a.Newest:
			return 1
		}
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	var pods []corev1.Pod
	for i := range all {
		if p := &all[i].Pod; p.DeletionTimestamp == nil && (podutils.IsPodReady(p) || choice.Unready && p.Status.Phase == corev1.PodRunning) {
			pods = append(pods, *p)
		}
	}
	if len(pods) > 0 {
		return pods, nil
	}
	var why []string
	for i := range all {
		state := kube.NotReadyReason(&all[i].Pod)
		switch {
		case all[i].DeletionTimestamp != nil:
			state = "is being deleted"
		case state == "":
			state = strings.ToLower(string(all[i].Status.Phase))
		}
		why = append(why, fmt.Sprintf("pod %s: %s", all[i].Name, state))
	}
	return nil, &NoPodsError{Of: of, Why: strings.Join(why, "; "), Unready: true, Pending: true}
}

// servicePods returns the pods that the Service selects.
func (f Finder) servicePods(ctx context.Context, o *unstructured.Unstructured) ([]Pod, error) {
	client, err := f.Client.Interface()
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
	return f.pods(ctx, o.GetNamespace(), labels.SelectorFromSet(service.Spec.Selector))
}

// pods returns the pods that the selector matches. Their owners are not looked up, so they count as of the newest
// revision.
func (f Finder) pods(ctx context.Context, namespace string, selector labels.Selector) ([]Pod, error) {
	client, err := f.Client.Interface()
	if err != nil {
		return nil, err
	}
	list, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return nil, err
	}
	pods := make([]Pod, len(list.Items))
	for i := range list.Items {
		pods[i] = Pod{Pod: list.Items[i], Newest: true}
	}
	return pods, nil
}

// whyNoPods returns why a workload has no pod, and whether it is scaled to zero.
func (f Finder) whyNoPods(ctx context.Context, o *unstructured.Unstructured) (why string, zero bool) {
	kind := o.GroupVersionKind().GroupKind()
	if !kube.IsWorkload(kind) {
		return "it selects none", false
	}
	resource, _ := kube.ResourceOf(kind)
	client, err := f.Client.Resource(resource, o.GetNamespace())
	if err != nil {
		return err.Error(), false
	}
	live, err := client.Get(ctx, o.GetName(), metav1.GetOptions{})
	if err != nil {
		return err.Error(), false
	}
	if replicas, found, _ := unstructured.NestedInt64(live.Object, "spec", "replicas"); found && replicas == 0 {
		return "it is scaled to zero", true
	}
	return "it has none", false
}
