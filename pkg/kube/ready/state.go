package ready

import (
	"reflect"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// judgeState returns the rule's verdict on a state, except for a failure from before the wait: the object keeps
// reporting it until its controller works on the new generation, which may be long after it has observed it. judgeState
// also notes the progress of the object.
func (w *readyWait) judgeState(a *awaited, o *unstructured.Unstructured) (Verdict, string) {
	if !a.seen {
		first := o
		if a.object.GetResourceVersion() != "" { // as the server returned it when it was applied
			first = a.object
		}
		a.priorFailure = w.how.failureOf(first)
	}
	if a.progresses(o) {
		// What blocks one pod does not block the others.
		for of, t := range a.blockers {
			t.since = time.Now()
			a.blockers[of] = t
		}
	}
	v, reason := a.rule(o)
	if v != Failed || a.priorFailure == nil || !reflect.DeepEqual(a.priorFailure, w.how.failureOf(o)) {
		return v, reason
	}
	if condition := failureCondition(o); condition != "" {
		if v, without := a.rule(withoutCondition(o, condition)); v == NotYet {
			return v, without
		}
	}
	return NotYet, reason + ", since before this change"
}

// failureCondition returns the condition by which an object reports a failure that may pass; empty for kinds that fail
// for good.
func failureCondition(o *unstructured.Unstructured) string {
	switch o.GetKind() {
	case "Deployment":
		return "Progressing"
	case "Pod", "Job":
		return ""
	}
	return "Stalled"
}

// failureOf returns the part of the object's status that may report a failure; nil when there is none.
func (r Options) failureOf(o *unstructured.Unstructured) any {
	if r.Rules[o.GroupVersionKind().GroupKind()] != nil {
		return o.Object["status"]
	}
	if c := conditionOf(o, failureCondition(o)); c != nil {
		return c
	}
	return nil
}

// withoutCondition returns a copy of the object without a condition.
func withoutCondition(o *unstructured.Unstructured, name string) *unstructured.Unstructured {
	o = o.DeepCopy()
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	kept := slices.DeleteFunc(conditions, func(c any) bool {
		m, ok := c.(map[string]any)
		return ok && m["type"] == name
	})
	_ = unstructured.SetNestedSlice(o.Object, kept, "status", "conditions")
	return o
}

// isEnded reports whether the object is of a kind that ends, and has ended.
func isEnded(o *unstructured.Unstructured) bool {
	phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
	return o.GetKind() == "Job" || o.GetKind() == "Pod" && phase == "Succeeded"
}

// progressFields are the numbers in the status of workloads that rise during a rollout.
var progressFields = []string{
	"updatedReplicas", "readyReplicas", "availableReplicas", "updatedNumberScheduled", "numberReady", "numberAvailable", "succeeded",
}

// progresses notes the numbers in the object's status, and reports whether one is higher than before in this wait. The
// numbers of an older generation do not count.
func (a *awaited) progresses(o *unstructured.Unstructured) bool {
	if observed, has, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration"); has && observed < o.GetGeneration() {
		return false
	}
	higher := false
	for _, field := range progressFields {
		now := inStatus(o, field)
		higher = higher || now > a.highest[field]
		a.highest[field] = max(a.highest[field], now)
	}
	return a.seen && higher
}
