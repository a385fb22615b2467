package kube

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
)

// draftLabel is the label by which Draft itself knew an application's pods (spec draft.md § 1.4).
const draftLabel = "draft"

// ReleasePods returns the pods of the workloads among the objects in which a task can run: Ready,
// not being deleted, and of the workload's newest revision, sorted by namespace and name. When
// pod templates of the release carry Draft's label "draft", only their pods count. None is a
// *NoPodsError.
func (c *Client) ReleasePods(ctx context.Context, objects []*unstructured.Unstructured) ([]corev1.Pod, error) {
	var pods []corev1.Pod
	for _, w := range draftOnly(Workloads(objects)) {
		all, err := c.newestPods(ctx, w)
		if err != nil {
			return nil, fmt.Errorf("pods of %s in namespace %q: %w", Name(w), w.GetNamespace(), err)
		}
		for _, p := range all {
			// A pod can be in the chart and belong to a workload of it.
			if !slices.ContainsFunc(pods, func(other corev1.Pod) bool { return other.UID == p.UID }) {
				pods = append(pods, p)
			}
		}
	}
	if len(pods) == 0 {
		return nil, &NoPodsError{Of: "the release", Why: "release has no pods"}
	}
	return usable(pods, "the release")
}

// draftOnly keeps the workloads whose pods carry Draft's label, or all when none does.
func draftOnly(all []*unstructured.Unstructured) []*unstructured.Unstructured {
	var labelled []*unstructured.Unstructured
	for _, w := range all {
		podLabels, _, _ := unstructured.NestedStringMap(w.Object, "spec", "template", "metadata", "labels")
		if w.GetKind() == "Pod" {
			podLabels = w.GetLabels()
		}
		if _, ok := podLabels[draftLabel]; ok {
			labelled = append(labelled, w)
		}
	}
	if len(labelled) > 0 {
		return labelled
	}
	return all
}

// isReady reports whether the pod's condition Ready is true.
func isReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// newestPods returns the pods that the workload made for its newest revision, ready or not.
func (c *Client) newestPods(ctx context.Context, w *unstructured.Unstructured) ([]corev1.Pod, error) {
	client, err := c.Interface()
	if err != nil {
		return nil, err
	}
	ns, name := w.GetNamespace(), w.GetName()
	switch w.GetKind() {
	case "Pod":
		p, err := client.CoreV1().Pods(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return []corev1.Pod{*p}, nil
	case "Deployment":
		d, err := client.AppsV1().Deployments(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		var newest *appsv1.ReplicaSet
		pods, err := podsBeside(ctx, client, ns, d.Spec.Selector, func(ctx context.Context) (err error) {
			newest, err = newestReplicaSet(ctx, client, d)
			return err
		})
		if err != nil || newest == nil {
			return nil, err
		}
		return controlledBy(pods, newest, ""), nil
	case "ReplicaSet":
		r, err := client.AppsV1().ReplicaSets(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		pods, err := selectedPods(ctx, client, ns, r.Spec.Selector)
		return controlledBy(pods, r, ""), err
	case "ReplicationController":
		r, err := client.CoreV1().ReplicationControllers(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		pods, err := selectedPods(ctx, client, ns, &metav1.LabelSelector{MatchLabels: r.Spec.Selector})
		return controlledBy(pods, r, ""), err
	case "StatefulSet":
		s, err := client.AppsV1().StatefulSets(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		pods, err := selectedPods(ctx, client, ns, s.Spec.Selector)
		return controlledBy(pods, s, s.Status.UpdateRevision), err
	case "DaemonSet":
		d, err := client.AppsV1().DaemonSets(ns).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		var hash string
		pods, err := podsBeside(ctx, client, ns, d.Spec.Selector, func(ctx context.Context) (err error) {
			hash, err = newestDaemonSetHash(ctx, client, d)
			return err
		})
		return controlledBy(pods, d, hash), err
	}
	return nil, fmt.Errorf("%s is not a workload", w.GetKind())
}

// podsBeside returns the pods that the selector finds, and calls other while the server looks for them.
func podsBeside(ctx context.Context, client kubernetes.Interface, namespace string, selector *metav1.LabelSelector, other func(context.Context) error) ([]corev1.Pod, error) {
	var pods []corev1.Pod
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		pods, err = selectedPods(ctx, client, namespace, selector)
		return err
	})
	group.Go(func() error { return other(ctx) })
	return pods, group.Wait()
}

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

// controlledBy returns those of the pods that the owner controls. Where hash is not empty, only those whose
// label controller-revision-hash is that.
func controlledBy(pods []corev1.Pod, owner metav1.Object, hash string) []corev1.Pod {
	return slices.DeleteFunc(pods, func(p corev1.Pod) bool {
		return !metav1.IsControlledBy(&p, owner) || hash != "" && p.Labels[appsv1.ControllerRevisionHashLabelKey] != hash
	})
}

// revisionAnnotation is how the Deployment controller numbers a Deployment and its ReplicaSets
// (k8s.io/kubectl/pkg/util/deployment).
const revisionAnnotation = "deployment.kubernetes.io/revision"

func newestReplicaSet(ctx context.Context, client kubernetes.Interface, d *appsv1.Deployment) (*appsv1.ReplicaSet, error) {
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return nil, err
	}
	list, err := client.AppsV1().ReplicaSets(d.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		r := &list.Items[i]
		if metav1.IsControlledBy(r, d) && r.Annotations[revisionAnnotation] == d.Annotations[revisionAnnotation] {
			return r, nil
		}
	}
	return nil, nil
}

// newestDaemonSetHash returns the hash label of the DaemonSet's newest revision.
func newestDaemonSetHash(ctx context.Context, client kubernetes.Interface, d *appsv1.DaemonSet) (string, error) {
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return "", err
	}
	list, err := client.AppsV1().ControllerRevisions(d.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return "", err
	}
	var newest *appsv1.ControllerRevision
	for i := range list.Items {
		r := &list.Items[i]
		if metav1.IsControlledBy(r, d) && (newest == nil || r.Revision > newest.Revision) {
			newest = r
		}
	}
	if newest == nil {
		return "", nil
	}
	return newest.Labels[appsv1.ControllerRevisionHashLabelKey], nil
}

// stuck returns what keeps the pod from becoming ready, in the kubelet's or scheduler's words.
func stuck(p *corev1.Pod) string {
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if w := c.State.Waiting; w != nil && w.Reason != "" && w.Reason != "PodInitializing" && w.Reason != "ContainerCreating" {
			return joinReason(w.Reason, w.Message)
		}
		if t := c.State.Terminated; t != nil && t.ExitCode != 0 {
			return joinReason(fmt.Sprintf("container %s exited with %d", c.Name, t.ExitCode), t.Message)
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return joinReason(c.Reason, c.Message)
		}
	}
	if p.Status.Phase == corev1.PodRunning && !isReady(p) {
		return "running, but its readiness probe does not succeed"
	}
	return ""
}

func joinReason(reason, message string) string {
	if message == "" {
		return reason
	}
	return reason + ": " + message
}
