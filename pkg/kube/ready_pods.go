package kube

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	// podsAfter is how long a wait lasts before it looks at what pods say: most waits end before.
	podsAfter = time.Second
	// crashes is how often a container must have been started again before its pod counts as hopeless.
	crashes = 3
)

// noPod is whom it is about when the cluster refuses to make a pod.
const noPod = "no pod can be made"

// trouble is what keeps a pod from starting.
type trouble struct {
	reason string
	since  time.Time
	// hopeless tells that it hardly goes away by itself.
	hopeless bool
}

// why returns what keeps the object's pods from starting: that of the first pod by name.
func (a *awaited) why() string {
	first := ""
	for of := range a.troubles {
		if first == "" || of < first {
			first = of
		}
	}
	if first == "" {
		return ""
	}
	return first + ": " + a.troubles[first].reason
}

// watchPods looks, when a wait takes longer, at the pods of what is waited for, and at what the cluster
// refuses. Who may not look at these is not told why, and waits all the same.
func (w *readyWait) watchPods(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(podsAfter):
	}
	client, err := w.client.Dynamic()
	if err != nil {
		return
	}
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { w.forgiveClaims(ctx) })
	for _, namespace := range w.namespaces() {
		pods := client.Resource(workloads[schema.GroupKind{Kind: "Pod"}]).Namespace(namespace)
		group.Go(func() {
			_ = followAll(ctx, pods, metav1.ListOptions{}, func(o *unstructured.Unstructured, gone bool) bool {
				w.seePod(ctx, o, gone)
				return true
			})
		})
		events := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "events"}).Namespace(namespace)
		group.Go(func() {
			_ = followAll(ctx, events, metav1.ListOptions{FieldSelector: "reason=FailedCreate"}, func(o *unstructured.Unstructured, gone bool) bool {
				w.seeRefusal(o, gone)
				return true
			})
		})
	}
}

// namespaces returns those of the workloads that are waited for.
func (w *readyWait) namespaces() []string {
	var all []string
	for p, names := range w.places {
		for _, a := range names {
			_, runsPods := workloads[a.object.GroupVersionKind().GroupKind()]
			if (runsPods || a.object.GetKind() == "Job") && !slices.Contains(all, p.namespace) {
				all = append(all, p.namespace)
			}
		}
	}
	return all
}

// seePod takes a state of a pod.
func (w *readyWait) seePod(ctx context.Context, o *unstructured.Unstructured, gone bool) {
	a, newest := w.ownerOf(o)
	if a == nil {
		return
	}
	var pod corev1.Pod
	reason, hopeless := "", false
	if !gone && o.GetDeletionTimestamp() == nil && runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &pod) == nil && !isReady(&pod) {
		reason, hopeless = stuck(&pod), isHopeless(&pod)
	}
	if reason != "" && !newest(ctx) {
		reason = ""
	}
	w.troubled(a, "pod "+o.GetName(), reason, hopeless)
}

// seeRefusal takes an event that tells that the cluster refused to make a pod.
func (w *readyWait) seeRefusal(o *unstructured.Unstructured, gone bool) {
	kind, _, _ := unstructured.NestedString(o.Object, "involvedObject", "kind")
	name, _, _ := unstructured.NestedString(o.Object, "involvedObject", "name")
	message, _, _ := unstructured.NestedString(o.Object, "message")
	last, _, _ := unstructured.NestedString(o.Object, "lastTimestamp")
	if at, err := time.Parse(time.RFC3339, last); gone || err != nil || at.Before(w.began.Add(-time.Minute)) {
		return
	}
	if a := w.find(kind, o.GetNamespace(), name); a != nil {
		w.troubled(a, noPod, message, true)
	}
}

// find returns what is waited for by kind and name; nil when it is not waited for.
func (w *readyWait) find(kind, namespace, name string) *awaited {
	for group, b := range builtin {
		if group.Kind == kind {
			return w.places[place{b.resource, namespace}][name]
		}
	}
	return nil
}

// troubled notes what keeps a pod of the object from starting, or that nothing does, and has the wait give
// up when that lasts.
func (w *readyWait) troubled(a *awaited, of, reason string, hopeless bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trouble(a, of, reason, hopeless)
}

// trouble is troubled for who holds the lock.
func (w *readyWait) trouble(a *awaited, of, reason string, hopeless bool) {
	if reason == "" {
		delete(a.troubles, of)
		return
	}
	t, known := a.troubles[of]
	if !known {
		t.since = time.Now()
	}
	t.reason, t.hopeless = reason, hopeless
	a.troubles[of] = t
	if hopeless && w.how.Grace > 0 {
		time.AfterFunc(time.Until(t.since.Add(w.how.Grace)), func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if now, lasts := a.troubles[of]; lasts && now.hopeless && now.since.Equal(t.since) && a.verdict != Ready {
				w.finish(errFailed)
			}
		})
	}
}

// ownerOf returns what is waited for that the pod belongs to, nil when there is none, and whether the pod is of
// its newest revision: what becomes of others does not matter.
func (w *readyWait) ownerOf(pod *unstructured.Unstructured) (a *awaited, newest func(context.Context) bool) {
	always := func(context.Context) bool { return true }
	owner := metav1.GetControllerOf(pod)
	if owner == nil {
		return w.find("Pod", pod.GetNamespace(), pod.GetName()), always
	}
	if a := w.find(owner.Kind, pod.GetNamespace(), owner.Name); a != nil {
		return a, func(context.Context) bool {
			revision := ""
			if live := w.liveOf(a); live != nil && owner.Kind == "StatefulSet" {
				revision, _, _ = unstructured.NestedString(live.Object, "status", "updateRevision")
			}
			return revision == "" || pod.GetLabels()[appsv1.ControllerRevisionHashLabelKey] == revision
		}
	}
	hash := pod.GetLabels()[appsv1.DefaultDeploymentUniqueLabelKey]
	name, isDeployments := strings.CutSuffix(owner.Name, "-"+hash)
	if owner.Kind != "ReplicaSet" || hash == "" || !isDeployments {
		return nil, always
	}
	a = w.find("Deployment", pod.GetNamespace(), name)
	return a, func(ctx context.Context) bool { return w.isNewest(ctx, a, owner.Name) }
}

// liveOf returns the newest state of an object that was seen; nil before the first.
func (w *readyWait) liveOf(a *awaited) *unstructured.Unstructured {
	w.mu.Lock()
	defer w.mu.Unlock()
	return a.live
}

// isNewest reports whether the ReplicaSet is that of the Deployment's newest revision.
func (w *readyWait) isNewest(ctx context.Context, a *awaited, name string) bool {
	live := w.liveOf(a)
	client, err := w.client.Interface()
	if live == nil || err != nil {
		return false
	}
	revision := live.GetAnnotations()[revisionAnnotation]
	if a.newest == name+"@"+revision {
		return true
	}
	set, err := client.AppsV1().ReplicaSets(live.GetNamespace()).Get(ctx, name, metav1.GetOptions{})
	if err != nil || set.Annotations[revisionAnnotation] != revision {
		return false
	}
	a.newest = name + "@" + revision
	return true
}

// askPods asks the pods of what is not ready what keeps them, for waits that were too short to watch them. It
// takes two seconds at most and leaves out what fails.
func (w *readyWait) askPods(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	for _, names := range w.places {
		for _, a := range names {
			_, runsPods := workloads[a.object.GroupVersionKind().GroupKind()]
			w.mu.Lock()
			known := a.verdict == Ready || len(a.troubles) > 0
			w.mu.Unlock()
			if known || !runsPods {
				continue
			}
			pods, err := w.client.newestPods(ctx, a.object)
			if err != nil {
				continue
			}
			for i := range pods {
				if why := stuck(&pods[i]); why != "" {
					w.troubled(a, "pod "+pods[i].Name, why, false)
					break
				}
			}
		}
	}
}

// forgiveClaims does not wait for claims that are bound only when a pod uses them: their pods wait for them
// in any case, and one that no pod uses would never be bound. It returns when it has seen all claims, or ctx is
// done.
func (w *readyWait) forgiveClaims(ctx context.Context) {
	for p, names := range w.places {
		if p.resource != claims {
			continue
		}
		for _, a := range names {
			live := w.liveOf(a)
			for ; live == nil; live = w.liveOf(a) {
				select {
				case <-ctx.Done():
					return
				case <-time.After(podsAfter):
				}
			}
			if !w.bindsLate(ctx, live) {
				continue
			}
			w.mu.Lock()
			a.rule = func(*unstructured.Unstructured) (Verdict, string) { return Ready, "" }
			w.judge(a, live)
			w.check()
			w.mu.Unlock()
		}
	}
}

// bindsLate reports whether the claim's class binds it only when a pod uses it.
func (w *readyWait) bindsLate(ctx context.Context, claim *unstructured.Unstructured) bool {
	class, _, _ := unstructured.NestedString(claim.Object, "spec", "storageClassName")
	client, err := w.client.Interface()
	if class == "" || err != nil {
		return false
	}
	found, err := client.StorageV1().StorageClasses().Get(ctx, class, metav1.GetOptions{})
	return err == nil && found.VolumeBindingMode != nil && *found.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
}

// HopelessReasons are why containers wait that seldom goes away by itself.
var HopelessReasons = []string{
	"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
	"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError",
}

// isHopeless reports whether what keeps the pod from becoming ready hardly goes away by itself.
func isHopeless(p *corev1.Pod) bool {
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if s.RestartCount >= crashes && !s.Ready {
			return true
		}
		if waits := s.State.Waiting; waits != nil && slices.Contains(HopelessReasons, waits.Reason) {
			return true
		}
	}
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable
	})
}
