package ready

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// deletesEndedJobs reports whether a Job of the namespace is deleted soon after its end, so that the watch may miss the
// end.
func (w *readyWait) deletesEndedJobs(namespace string) bool {
	for p, names := range w.places {
		for _, a := range names {
			if _, ttl, _ := unstructured.NestedInt64(a.object.Object, "spec", "ttlSecondsAfterFinished"); ttl && p.namespace == namespace && a.object.GetKind() == "Job" {
				return true
			}
		}
	}
	return false
}

// seeJobEnd takes an event of a Job that no longer exists: it tells how the Job ended
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
