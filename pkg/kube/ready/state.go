package ready

import (
	"reflect"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// judgeState returns what the object's rule says of a state, but for a failure that stood before the wait: an object
// keeps it until its controller has got on with what was applied, which may be long after it has seen it. It also
// notes how far the object has come.
func (w *readyWait) judgeState(a *awaited, o *unstructured.Unstructured) (Verdict, string) {
	if !a.seen {
		first := o
		if a.object.GetResourceVersion() != "" { // as the server returned it when it was applied
			first = a.object
		}
		a.stood = w.how.failureOf(first)
	}
	if a.progresses(o) {
		// What keeps one pod does not keep the others.
		for of, t := range a.blockers {
			t.since = time.Now()
			a.blockers[of] = t
		}
	}
	v, reason := a.rule(o)
	if v != Failed || a.stood == nil || !reflect.DeepEqual(a.stood, w.how.failureOf(o)) {
		return v, reason
	}
	if condition := failureCondition(o); condition != "" {
		if v, without := a.rule(withoutCondition(o, condition)); v == NotYet {
			return v, without
		}
	}
	return NotYet, reason + ", since before this change"
}

// failureCondition returns the condition by which the object says that it has failed for now; "" for those that fail
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

// failureOf returns the part of the object's status that may say that it has failed; nil when there is none.
func (r Options) failureOf(o *unstructured.Unstructured) any {
	if r.Rules[o.GroupVersionKind().GroupKind()] != nil {
		return o.Object["status"]
	}
	if c := conditionOf(o, failureCondition(o)); c != nil {
		return c
	}
	return nil
}

// withoutCondition returns a copy of the object that lacks a condition.
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

// ends reports whether the object is of a kind that reaches an end, and has.
func ends(o *unstructured.Unstructured) bool {
	phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
	return o.GetKind() == "Job" || o.GetKind() == "Pod" && phase == "Succeeded"
}

// progress are the numbers in the status of workloads that rise when one gets on.
var progress = []string{
	"updatedReplicas", "readyReplicas", "availableReplicas", "updatedNumberScheduled", "numberReady", "numberAvailable", "succeeded",
}

// progresses notes the numbers of the object's status, and reports whether one is higher than it ever was in this wait.
// Those of a generation that was before the wait do not count.
func (a *awaited) progresses(o *unstructured.Unstructured) bool {
	if observed, has, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration"); has && observed < o.GetGeneration() {
		return false
	}
	higher := false
	for _, field := range progress {
		now := inStatus(o, field)
		higher = higher || now > a.most[field]
		a.most[field] = max(a.most[field], now)
	}
	return a.seen && higher
}
