package workload

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/kubectl/pkg/util/deployment"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Pod is a pod of a workload.
type Pod struct {
	corev1.Pod

	// Newest reports that the pod is of the workload's newest revision, Stays that an update does not replace it by
	// itself.
	Newest, Stays bool
}

// chosenPods returns the pods of the workload, ready or not, whose revision the choice allows. When there are none, but
// the workload has pods or will have some, the error is a *NoPodsError.
func (f Finder) chosenPods(ctx context.Context, w *unstructured.Unstructured, choice Choice) ([]Pod, error) {
	if choice.AnyRevision {
		return f.OwnPods(ctx, w)
	}
	if err := f.awaitObserved(ctx, w); err != nil {
		return nil, err
	}
	all, err := f.OwnPods(ctx, w)
	if err != nil {
		return nil, err
	}
	chosen := slices.DeleteFunc(slices.Clone(all), func(p Pod) bool { return !p.Newest && !p.Stays })
	if len(chosen) == 0 && slices.ContainsFunc(all, func(p Pod) bool { return p.DeletionTimestamp == nil }) {
		return nil, &NoPodsError{Of: kube.Name(w), Why: "its pods are of older revisions, which are being replaced", Unready: true, Pending: true}
	}
	return chosen, nil
}

// OwnPods returns all pods that the workload controls, ready or not. The error is the server's.
func (f Finder) OwnPods(ctx context.Context, w *unstructured.Unstructured) ([]Pod, error) {
	client, err := f.Client.Interface()
	if err != nil {
		return nil, err
	}
	ns, name := w.GetNamespace(), w.GetName()
	always := func(*corev1.Pod) bool { return true }
	switch w.GetKind() {
	case "Pod":
		p, err := client.CoreV1().Pods(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return []Pod{{Pod: *p, Newest: true, Stays: true}}, nil
	case "Deployment":
		d, err := client.AppsV1().Deployments(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		var sets []appsv1.ReplicaSet
		pods, err := podsAnd(ctx, client, ns, d.Spec.Selector, func(ctx context.Context) (err error) {
			sets, err = replicaSets(ctx, client, d)
			return err
		})
		if err != nil {
			return nil, err
		}
		var own []Pod
		for i := range sets {
			newest := sets[i].Annotations[deployment.RevisionAnnotation] == d.Annotations[deployment.RevisionAnnotation]
			own = append(own, controlledBy(pods, &sets[i], func(*corev1.Pod) bool { return newest }, func(*corev1.Pod) bool { return d.Spec.Paused })...)
		}
		return own, nil
	case "ReplicaSet":
		r, err := client.AppsV1().ReplicaSets(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		pods, err := selectedPods(ctx, client, ns, r.Spec.Selector)
		return controlledBy(pods, r, always, always), err
	case "ReplicationController":
		r, err := client.CoreV1().ReplicationControllers(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		pods, err := selectedPods(ctx, client, ns, &metav1.LabelSelector{MatchLabels: r.Spec.Selector})
		return controlledBy(pods, r, always, always), err
	case "StatefulSet":
		s, err := client.AppsV1().StatefulSets(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		pods, err := selectedPods(ctx, client, ns, s.Spec.Selector)
		return controlledBy(pods, s, ofRevision(s.Status.UpdateRevision), func(p *corev1.Pod) bool { return staysInSet(s, p.Name) }), err
	case "DaemonSet":
		d, err := client.AppsV1().DaemonSets(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		var hash string
		pods, err := podsAnd(ctx, client, ns, d.Spec.Selector, func(ctx context.Context) (err error) {
			hash, err = newestDaemonSetHash(ctx, client, d)
			return err
		})
		return controlledBy(pods, d, ofRevision(hash), func(*corev1.Pod) bool {
			return d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType
		}), err
	}
	return nil, fmt.Errorf("%s is not a workload", w.GetKind())
}

// podsAnd returns the pods that the selector matches, and calls other in parallel.
func podsAnd(ctx context.Context, client kubernetes.Interface, namespace string, selector *metav1.LabelSelector, other func(context.Context) error) ([]corev1.Pod, error) {
	var pods []corev1.Pod
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		pods, err = selectedPods(ctx, client, namespace, selector)
		return err
	})
	group.Go(func() error { return other(ctx) })
	return pods, group.Wait()
}

// selectedPods returns the pods that the selector matches.
func selectedPods(ctx context.Context, client kubernetes.Interface, namespace string, selector *metav1.LabelSelector) ([]corev1.Pod, error) {
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil, err
	}
	list, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: s.String()})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// controlledBy returns the pods that the owner controls.
func controlledBy(pods []corev1.Pod, owner metav1.Object, newest, stays func(*corev1.Pod) bool) []Pod {
	var own []Pod
	for i := range pods {
		if p := &pods[i]; metav1.IsControlledBy(p, owner) {
			own = append(own, Pod{Pod: *p, Newest: newest(p), Stays: stays(p)})
		}
	}
	return own
}
