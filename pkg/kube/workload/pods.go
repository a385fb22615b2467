package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/kubectl/pkg/util/deployment"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Choice says which pods a program may run in. The pods of a workload that its update strategy does not replace
// by itself (OnDelete, those below a partition, those of a paused Deployment) may be of any revision.
type Choice struct {
	// AnyRevision takes all pods that serve now. Without it, pods that an update is going to replace are left out.
	AnyRevision bool
	// Unready takes pods that run and are not Ready, too.
	Unready bool
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

// Pod is a pod of a workload.
type Pod struct {
	corev1.Pod

	// Newest reports that the pod is of the workload's newest revision, Stays that an update does not replace it by
	// itself.
	Newest, Stays bool
}

// chosenPods returns the pods of the workload that are of a revision that will do, ready or not. None, although it
// has pods or is about to have some, is a *NoPodsError.
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
		return nil, &NoPodsError{Of: kube.Name(w), Why: "its pods are of older revisions, which are being replaced", Unready: true, Coming: true}
	}
	return chosen, nil
}

// OwnPods returns all pods that the workload made, ready or not.
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
		pods, err := podsBeside(ctx, client, ns, d.Spec.Selector, func(ctx context.Context) (err error) {
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
		pods, err := podsBeside(ctx, client, ns, d.Spec.Selector, func(ctx context.Context) (err error) {
			hash, err = newestDaemonSetHash(ctx, client, d)
			return err
		})
		return controlledBy(pods, d, ofRevision(hash), func(*corev1.Pod) bool {
			return d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType
		}), err
	}
	return nil, fmt.Errorf("%s is not a workload", w.GetKind())
}

// staysInSet reports whether the StatefulSet does not replace the pod when its template changes: with OnDelete, and
// below a partition (k8s.io/kubernetes/pkg/controller/statefulset, newVersionedStatefulSetPod).
func staysInSet(s *appsv1.StatefulSet, pod string) bool {
	if s.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
		return true
	}
	rolling := s.Spec.UpdateStrategy.RollingUpdate
	if rolling == nil || rolling.Partition == nil {
		return false
	}
	ordinal, err := strconv.ParseInt(pod[strings.LastIndex(pod, "-")+1:], 10, 32)
	if s.Spec.Ordinals != nil {
		ordinal -= int64(s.Spec.Ordinals.Start)
	}
	return err == nil && ordinal < int64(*rolling.Partition)
}

// observeLimit is how long a controller may take to see that its workload has changed; it takes milliseconds.
const observeLimit = 10 * time.Second

// awaitObserved returns when the workload's controller has seen its newest generation: until then nothing tells which
// pods are of the newest revision. When it does not, that is a *NoPodsError.
func (f Finder) awaitObserved(ctx context.Context, w *unstructured.Unstructured) error {
	kind := w.GroupVersionKind().GroupKind()
	if !kube.IsWorkload(kind) || kind.Group == "" {
		return nil // a pod has no revision, and those of a ReplicationController do not depend on it
	}
	resource, _ := kube.ResourceOf(kind)
	client, err := f.Client.Resource(resource, w.GetNamespace())
	if err != nil {
		return err
	}
	generation := w.GetGeneration()
	err = wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, observeLimit, true, func(ctx context.Context) (bool, error) {
		live, err := client.Get(ctx, w.GetName(), metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		observed, _, _ := unstructured.NestedInt64(live.Object, "status", "observedGeneration")
		generation = live.GetGeneration()
		return observed >= generation, nil
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return &NoPodsError{Of: kube.Name(w), Why: fmt.Sprintf("its controller has not seen its generation %d yet", generation), Unready: true, Coming: true}
	}
	return err
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

// controlledBy returns those of the pods that the owner controls.
func controlledBy(pods []corev1.Pod, owner metav1.Object, newest, stays func(*corev1.Pod) bool) []Pod {
	var own []Pod
	for i := range pods {
		if p := &pods[i]; metav1.IsControlledBy(p, owner) {
			own = append(own, Pod{Pod: *p, Newest: newest(p), Stays: stays(p)})
		}
	}
	return own
}

// ofRevision returns what reports whether a pod carries the hash of a revision.
func ofRevision(hash string) func(*corev1.Pod) bool {
	return func(p *corev1.Pod) bool { return p.Labels[appsv1.ControllerRevisionHashLabelKey] == hash }
}

// replicaSets returns those of the Deployment.
func replicaSets(ctx context.Context, client kubernetes.Interface, d *appsv1.Deployment) ([]appsv1.ReplicaSet, error) {
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return nil, err
	}
	list, err := client.AppsV1().ReplicaSets(d.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list.Items, func(r appsv1.ReplicaSet) bool { return !metav1.IsControlledBy(&r, d) }), nil
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
