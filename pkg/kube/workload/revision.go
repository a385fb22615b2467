package workload

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

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

// observeTimeout limits the wait for a controller to observe a change of its workload, which takes milliseconds.
const observeTimeout = 10 * time.Second

// awaitObserved waits until the workload's controller has observed its newest generation: before that, its status does
// not show which pods are of the newest revision. When that takes too long, the error is a *NoPodsError.
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
	err = wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, observeTimeout, true, func(ctx context.Context) (bool, error) {
		live, err := client.Get(ctx, w.GetName(), metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		observed, _, _ := unstructured.NestedInt64(live.Object, "status", "observedGeneration")
		generation = live.GetGeneration()
		return observed >= generation, nil
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return &NoPodsError{Of: kube.Name(w), Why: fmt.Sprintf("its controller has not seen its generation %d yet", generation), Unready: true, Pending: true}
	}
	return err
}

// ofRevision returns a function that reports whether a pod has the hash of a revision.
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
