package ready

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubectl/pkg/util/deployment"
	"k8s.io/kubectl/pkg/util/podutils"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
)

// podsDelay is the duration after which a wait watches pods. Most waits end before.
const podsDelay = time.Second

// watchPods watches, in waits that take longer than podsDelay, the pods of the workloads and the events of pods that
// could not be created. Without the rights for that, it returns, and the wait has no such reasons.
func (w *readyWait) watchPods(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(podsDelay):
	}
	client, err := w.client.Dynamic()
	if err != nil {
		return
	}
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { w.skipUnusedClaims(ctx) })
	for _, namespace := range w.namespaces() {
		pods := client.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(namespace)
		group.Go(func() {
			_ = kube.WatchAll(ctx, pods, metav1.ListOptions{}, func(o *unstructured.Unstructured, deleted bool) bool {
				w.seePod(ctx, o, deleted)
				return true
			})
		})
		events := client.Resource(corev1.SchemeGroupVersion.WithResource("events")).Namespace(namespace)
		group.Go(func() {
			_ = kube.WatchAll(ctx, events, metav1.ListOptions{FieldSelector: "reason=FailedCreate"}, func(o *unstructured.Unstructured, deleted bool) bool {
				w.seeFailedCreate(o, deleted)
				return true
			})
		})
		if w.deletesEndedJobs(namespace) {
			group.Go(func() {
				_ = kube.WatchAll(ctx, events, metav1.ListOptions{FieldSelector: "involvedObject.kind=Job"}, func(o *unstructured.Unstructured, _ bool) bool {
					w.seeJobEnd(o)
					return true
				})
			})
		}
	}
}

// namespaces returns the namespaces of the workloads and Jobs of the wait.
func (w *readyWait) namespaces() []string {
	var all []string
	for p, names := range w.places {
		for _, a := range names {
			if (kube.IsWorkload(a.object.GroupVersionKind().GroupKind()) || a.object.GetKind() == "Job") && !slices.Contains(all, p.namespace) {
				all = append(all, p.namespace)
			}
		}
	}
	return all
}

// find returns an object of the wait by kind and name; nil when there is none.
func (w *readyWait) find(kind, namespace, name string) *awaited {
	for known := range rules {
		if known.Kind == kind {
			resource, _ := kube.ResourceOf(known)
			return w.places[place{resource, namespace}][name]
		}
	}
	return nil
}

// liveOf returns the last seen state of an object; nil before the first.
func (w *readyWait) liveOf(a *awaited) *unstructured.Unstructured {
	w.mu.Lock()
	defer w.mu.Unlock()
	return a.live
}

// seePod takes a state of a pod.
func (w *readyWait) seePod(ctx context.Context, o *unstructured.Unstructured, deleted bool) {
	a, superseded := w.ownerOf(o)
	if a == nil {
		return
	}
	if !deleted {
		w.seeCreation(a, o.GetCreationTimestamp().Time)
	}
	var pod corev1.Pod
	reason, terminal := "", false
	if !deleted && o.GetDeletionTimestamp() == nil && runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &pod) == nil && !podutils.IsPodReady(&pod) {
		reason, terminal = kube.NotReadyReason(&pod), isTerminal(&pod, w.how.Unschedulable)
	}
	switch {
	case reason == "":
	case superseded(ctx):
		reason = ""
	case w.isOlder(a, &pod):
		reason += " (of an older revision)"
	}
	w.block(a, "pod "+o.GetName(), reason, terminal)
}

// seeCreation takes the creation time of a pod: the cluster has stopped refusing to create pods by then.
func (w *readyWait) seeCreation(a *awaited, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at.After(a.newestPod) {
		a.newestPod = at
	}
	if t, refused := a.blockers[podCreation]; refused && !t.refused.IsZero() && !a.newestPod.Before(t.refused) {
		delete(a.blockers, podCreation)
	}
}

// ownerOf returns the object of the wait to which the pod belongs, nil when there is none, and whether the pod is of an
// older revision of a Deployment, so that its state does not matter. An older pod of a StatefulSet does matter, because
// the update may wait for it
// (https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback).
func (w *readyWait) ownerOf(pod *unstructured.Unstructured) (a *awaited, superseded func(context.Context) bool) {
	never := func(context.Context) bool { return false }
	owner := metav1.GetControllerOf(pod)
	if owner == nil {
		return w.find("Pod", pod.GetNamespace(), pod.GetName()), never
	}
	if a := w.find(owner.Kind, pod.GetNamespace(), owner.Name); a != nil {
		return a, never
	}
	hash := pod.GetLabels()[appsv1.DefaultDeploymentUniqueLabelKey]
	name, isDeployments := strings.CutSuffix(owner.Name, "-"+hash)
	if owner.Kind != "ReplicaSet" || hash == "" || !isDeployments {
		return nil, never
	}
	a = w.find("Deployment", pod.GetNamespace(), name)
	return a, func(ctx context.Context) bool { return !w.isNewest(ctx, a, owner.Name) }
}

// isOlder reports whether the pod is of an older revision of a StatefulSet.
func (w *readyWait) isOlder(a *awaited, pod *corev1.Pod) bool {
	live := w.liveOf(a)
	if live == nil || live.GetKind() != "StatefulSet" {
		return false
	}
	newest, _, _ := unstructured.NestedString(live.Object, "status", "updateRevision")
	return newest != "" && pod.Labels[appsv1.ControllerRevisionHashLabelKey] != newest
}

// isNewest reports whether the ReplicaSet is that of the Deployment's newest revision.
func (w *readyWait) isNewest(ctx context.Context, a *awaited, name string) bool {
	live := w.liveOf(a)
	client, err := w.client.Interface()
	if live == nil || err != nil {
		return false
	}
	revision := live.GetAnnotations()[deployment.RevisionAnnotation]
	if a.newest == name+"@"+revision {
		return true
	}
	set, err := client.AppsV1().ReplicaSets(live.GetNamespace()).Get(ctx, name, metav1.GetOptions{})
	if err != nil || set.Annotations[deployment.RevisionAnnotation] != revision {
		return false
	}
	a.newest = name + "@" + revision
	return true
}

// requestPods requests the pods of the objects that are not ready and takes their blockers, for waits that ended before
// watchPods started. It takes two seconds at most, and ignores errors.
func (w *readyWait) requestPods(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	for _, names := range w.places {
		for _, a := range names {
			w.mu.Lock()
			known := a.verdict == Ready || len(a.blockers) > 0
			w.mu.Unlock()
			if known || !kube.IsWorkload(a.object.GroupVersionKind().GroupKind()) {
				continue
			}
			pods, err := workload.Finder{Client: w.client}.OwnPods(ctx, a.object)
			if err != nil {
				continue
			}
			for i := range pods {
				if !pods[i].Newest && !pods[i].Stays || pods[i].DeletionTimestamp != nil {
					continue
				}
				if why := kube.NotReadyReason(&pods[i].Pod); why != "" {
					w.block(a, "pod "+pods[i].Name, why, false)
					break
				}
			}
		}
	}
}
