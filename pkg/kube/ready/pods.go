package ready

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
	"k8s.io/kubectl/pkg/util/deployment"
	"k8s.io/kubectl/pkg/util/podutils"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
)

const (
	// podsAfter is how long a wait lasts before it looks at what pods say: most waits end before.
	podsAfter = time.Second
	// crashes is how often a container must have ended before its pod counts as terminal.
	crashes = 3
)

// noPod is whom it is about when the cluster refuses to make a pod.
const noPod = "no pod can be made"

// blocker is what keeps a pod from starting.
type blocker struct {
	reason string
	// terminal reports that it hardly goes away by itself, since when it began to be so, or the workload last got on.
	terminal bool
	since    time.Time
	// refused is when the cluster refused to make a pod, by its clock; zero when it is not that.
	refused time.Time
}

// why returns what keeps the object's pods from starting: that of the first pod by name.
func (a *awaited) why() string {
	first := ""
	for of := range a.blockers {
		if first == "" || of < first {
			first = of
		}
	}
	if first == "" {
		return ""
	}
	return first + ": " + a.blockers[first].reason
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
		pods := client.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(namespace)
		group.Go(func() {
			_ = kube.WatchAll(ctx, pods, metav1.ListOptions{}, func(o *unstructured.Unstructured, gone bool) bool {
				w.seePod(ctx, o, gone)
				return true
			})
		})
		events := client.Resource(corev1.SchemeGroupVersion.WithResource("events")).Namespace(namespace)
		group.Go(func() {
			_ = kube.WatchAll(ctx, events, metav1.ListOptions{FieldSelector: "reason=FailedCreate"}, func(o *unstructured.Unstructured, gone bool) bool {
				w.seeRefusal(o, gone)
				return true
			})
		})
		if w.losesJobs(namespace) {
			group.Go(func() {
				_ = kube.WatchAll(ctx, events, metav1.ListOptions{FieldSelector: "involvedObject.kind=Job"}, func(o *unstructured.Unstructured, _ bool) bool {
					w.seeJobEnd(o)
					return true
				})
			})
		}
	}
}

// losesJobs reports whether a Job of the namespace is removed as soon as it has ended, so that its end may be missed.
func (w *readyWait) losesJobs(namespace string) bool {
	for p, names := range w.places {
		for _, a := range names {
			if _, ttl, _ := unstructured.NestedInt64(a.object.Object, "spec", "ttlSecondsAfterFinished"); ttl && p.namespace == namespace && a.object.GetKind() == "Job" {
				return true
			}
		}
	}
	return false
}

// seeJobEnd takes an event of a Job that is not there any more: how it ended is what counts
// (k8s.io/kubernetes/pkg/controller/job, which records one when it sets the last condition).
func (w *readyWait) seeJobEnd(o *unstructured.Unstructured) {
	name, _, _ := unstructured.NestedString(o.Object, "involvedObject", "name")
	uid, _, _ := unstructured.NestedString(o.Object, "involvedObject", "uid")
	reason, _, _ := unstructured.NestedString(o.Object, "reason")
	message, _, _ := unstructured.NestedString(o.Object, "message")
	a := w.find("Job", o.GetNamespace(), name)
	w.mu.Lock()
	defer w.mu.Unlock()
	if a == nil || a.live != nil || a.ended || string(a.uid) != uid {
		return
	}
	before := a.verdict
	switch reason {
	case "Completed":
		a.verdict, a.reason, a.ended = Ready, "", true
	case "BackoffLimitExceeded", "DeadlineExceeded", "PodFailurePolicy", "FailedIndexes", "MaxFailedIndexesExceeded":
		a.verdict, a.reason = Failed, kube.JoinReason(reason, message)
		w.finish(errFailed)
	default:
		return
	}
	w.recount(before, a.verdict)
	w.check()
}

// namespaces returns those of the workloads that are waited for.
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

// seePod takes a state of a pod.
func (w *readyWait) seePod(ctx context.Context, o *unstructured.Unstructured, gone bool) {
	a, left := w.ownerOf(o)
	if a == nil {
		return
	}
	if !gone {
		w.seeMade(a, o.GetCreationTimestamp().Time)
	}
	var pod corev1.Pod
	reason, terminal := "", false
	if !gone && o.GetDeletionTimestamp() == nil && runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &pod) == nil && !podutils.IsPodReady(&pod) {
		reason, terminal = kube.NotReadyReason(&pod), isTerminal(&pod, w.how.Unschedulable)
	}
	switch {
	case reason == "":
	case left(ctx):
		reason = ""
	case w.isOlder(a, &pod):
		reason += " (of an older revision)"
	}
	w.block(a, "pod "+o.GetName(), reason, terminal)
}

// seeMade takes when a pod was made. The cluster does not refuse to make any since then.
func (w *readyWait) seeMade(a *awaited, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at.After(a.made) {
		a.made = at
	}
	if t, refused := a.blockers[noPod]; refused && !t.refused.IsZero() && !a.made.Before(t.refused) {
		delete(a.blockers, noPod)
	}
}

// seeRefusal takes an event that reports that the cluster refused to make a pod.
func (w *readyWait) seeRefusal(o *unstructured.Unstructured, gone bool) {
	kind, _, _ := unstructured.NestedString(o.Object, "involvedObject", "kind")
	name, _, _ := unstructured.NestedString(o.Object, "involvedObject", "name")
	message, _, _ := unstructured.NestedString(o.Object, "message")
	last, _, _ := unstructured.NestedString(o.Object, "lastTimestamp")
	at, err := time.Parse(time.RFC3339, last)
	if gone || err != nil || at.Before(w.began.Add(-time.Minute)) {
		return
	}
	a := w.find(kind, o.GetNamespace(), name)
	if a == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.made.Before(at) {
		w.blockLocked(a, noPod, message, true)
		t := a.blockers[noPod]
		t.refused = at
		a.blockers[noPod] = t
	}
}

// find returns what is waited for by kind and name; nil when it is not waited for.
func (w *readyWait) find(kind, namespace, name string) *awaited {
	for known := range rules {
		if known.Kind == kind {
			resource, _ := kube.ResourceOf(known)
			return w.places[place{resource, namespace}][name]
		}
	}
	return nil
}

// block notes what keeps a pod of the object from starting, or that nothing does, and has the wait give
// up when that lasts.
func (w *readyWait) block(a *awaited, of, reason string, terminal bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blockLocked(a, of, reason, terminal)
}

// blocker is block for who holds the lock.
func (w *readyWait) blockLocked(a *awaited, of, reason string, terminal bool) {
	if reason == "" {
		delete(a.blockers, of)
		return
	}
	t := a.blockers[of]
	begins := terminal && !t.terminal
	if begins {
		t.since = time.Now()
	}
	t.reason, t.terminal = reason, terminal
	a.blockers[of] = t
	if begins && w.how.Grace > 0 {
		w.giveUpAfter(a, of, w.how.Grace)
	}
}

// giveUpAfter has the wait give up when what is terminal has lasted for the grace, which may have begun anew.
func (w *readyWait) giveUpAfter(a *awaited, of string, rest time.Duration) {
	time.AfterFunc(rest, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		t, lasts := a.blockers[of]
		rest := w.how.Grace - time.Since(t.since)
		switch {
		case !lasts, !t.terminal:
		case a.verdict == Ready:
			t.terminal = false // the next that is seen of it counts anew
			a.blockers[of] = t
		case rest > 0:
			w.giveUpAfter(a, of, rest)
		default:
			w.finish(errFailed)
		}
	})
}

// ownerOf returns what is waited for that the pod belongs to, nil when there is none, and whether it is a pod of a
// Deployment's older revision: what becomes of it does not matter. An older pod of a StatefulSet does, as the update
// may wait for it (https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback).
func (w *readyWait) ownerOf(pod *unstructured.Unstructured) (a *awaited, left func(context.Context) bool) {
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

// isOlder reports whether the pod is one of a StatefulSet, and not of its newest revision.
func (w *readyWait) isOlder(a *awaited, pod *corev1.Pod) bool {
	live := w.liveOf(a)
	if live == nil || live.GetKind() != "StatefulSet" {
		return false
	}
	newest, _, _ := unstructured.NestedString(live.Object, "status", "updateRevision")
	return newest != "" && pod.Labels[appsv1.ControllerRevisionHashLabelKey] != newest
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

// askPods asks the pods of what is not ready what keeps them, for waits that were too short to watch them. It
// takes two seconds at most and leaves out what fails.
func (w *readyWait) askPods(ctx context.Context) {
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

// forgiveClaims does not wait for claims that are bound only when a pod uses them: their pods wait for them
// in any case, and one that no pod uses would never be bound. It returns when it has seen all claims, or ctx is
// done.
func (w *readyWait) forgiveClaims(ctx context.Context) {
	for p, names := range w.places {
		if p.resource != corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims") {
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

// isTerminal reports whether what keeps the pod from becoming ready hardly goes away by itself; that no node takes it
// does where a cluster autoscaler may bring one.
func isTerminal(p *corev1.Pod, unschedulable bool) bool {
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if crashed(s) >= crashes && !s.Ready {
			return true
		}
		if waits := s.State.Waiting; waits != nil && slices.Contains(kube.TerminalWaitingReasons, waits.Reason) {
			return true
		}
	}
	return unschedulable && slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable
	})
}

// crashed returns how often the container has ended.
func crashed(s corev1.ContainerStatus) int {
	n := int(s.RestartCount)
	if s.State.Running == nil && (s.State.Terminated != nil || s.LastTerminationState.Terminated != nil) {
		n++ // and has not been started again since
	}
	return n
}
