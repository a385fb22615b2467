package ready

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// podCreation stands for the pod that the cluster refuses to create, instead of its name.
const podCreation = "no pod can be created"

// maxCrashes is how often a container may exit before its blocker counts as terminal.
const maxCrashes = 3

// blocker is what keeps a pod from starting.
type blocker struct {
	reason string
	// terminal reports that it rarely ends without a change. since is when that began, or when the workload last
	// made progress.
	terminal bool
	since    time.Time
	// refused is the time of the event of a pod that could not be created, by the cluster's clock; zero for other
	// blockers.
	refused time.Time
}

// why returns the blocker of the object's first pod by name; empty when there is none.
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

// seeFailedCreate takes an event about a pod that the cluster refused to create.
func (w *readyWait) seeFailedCreate(o *unstructured.Unstructured, deleted bool) {
	kind, _, _ := unstructured.NestedString(o.Object, "involvedObject", "kind")
	name, _, _ := unstructured.NestedString(o.Object, "involvedObject", "name")
	message, _, _ := unstructured.NestedString(o.Object, "message")
	last, _, _ := unstructured.NestedString(o.Object, "lastTimestamp")
	at, err := time.Parse(time.RFC3339, last)
	if deleted || err != nil || at.Before(w.began.Add(-time.Minute)) {
		return
	}
	a := w.find(kind, o.GetNamespace(), name)
	if a == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.newestPod.Before(at) {
		w.blockLocked(a, podCreation, message, true)
		t := a.blockers[podCreation]
		t.refused = at
		a.blockers[podCreation] = t
	}
}

// block sets the blocker of a pod, or removes it when reason is empty. A terminal blocker ends the wait when it lasts
// for Options.Grace.
func (w *readyWait) block(a *awaited, of, reason string, terminal bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blockLocked(a, of, reason, terminal)
}

// blockLocked is block for callers that hold the lock.
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
		w.failAfter(a, of, w.how.Grace)
	}
}

// failAfter ends the wait after rest, if the terminal blocker has then lasted for the grace, which may have restarted.
func (w *readyWait) failAfter(a *awaited, of string, rest time.Duration) {
	time.AfterFunc(rest, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		t, lasts := a.blockers[of]
		rest := w.how.Grace - time.Since(t.since)
		switch {
		case !lasts, !t.terminal:
		case a.verdict == Ready:
			t.terminal = false // restarts with its next state
			a.blockers[of] = t
		case rest > 0:
			w.failAfter(a, of, rest)
		default:
			w.finish(errFailed)
		}
	})
}

// isTerminal reports whether the blocker of the pod rarely ends without a change. With unschedulable, a pod that
// no node takes counts too; a cluster autoscaler may add a node for it.
func isTerminal(p *corev1.Pod, unschedulable bool) bool {
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if crashed(s) >= maxCrashes && !s.Ready {
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

// crashed returns how often the container has exited.
func crashed(s corev1.ContainerStatus) int {
	n := int(s.RestartCount)
	if s.State.Running == nil && (s.State.Terminated != nil || s.LastTerminationState.Terminated != nil) {
		n++ // and has not been restarted since
	}
	return n
}
