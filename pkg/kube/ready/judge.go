package ready

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// list takes the result of a list request.
func (w *readyWait) list(p place, all []unstructured.Unstructured) {
	w.mu.Lock()
	defer w.mu.Unlock()
	there := make(map[string]bool, len(all))
	for i := range all {
		there[all[i].GetName()] = true
		w.judge(w.places[p][all[i].GetName()], &all[i])
	}
	for name, a := range w.places[p] {
		if !there[name] {
			w.judge(a, nil)
		}
	}
	w.check()
}

// see takes a state of one object; nil when it does not exist.
func (w *readyWait) see(p place, name string, o *unstructured.Unstructured) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.judge(w.places[p][name], o)
	w.check()
}

// judge applies the rule to a state of an object, nil when it does not exist. a is nil for an object that is not part
// of the wait.
func (w *readyWait) judge(a *awaited, o *unstructured.Unstructured) {
	if a == nil {
		return
	}
	before := a.verdict
	a.live = o
	switch {
	case o == nil && a.ended:
		return
	case o == nil && a.seen:
		a.verdict, a.reason = NotYet, "it has been deleted"
	case o == nil:
		a.verdict, a.reason = NotYet, absent
	default:
		a.verdict, a.reason = w.judgeState(a, o)
		a.seen, a.uid, a.ended = true, o.GetUID(), a.verdict == Ready && isEnded(o)
	}
	if a.verdict == Failed {
		w.finish(errFailed)
	}
	if o != nil && o.GetKind() == "Deployment" {
		// The ReplicaSet, whose pods are refused, is not watched.
		refused := ""
		if c := conditionOf(o, "ReplicaFailure"); c["status"] == "True" {
			refused = fmt.Sprint(c["message"])
		}
		w.blockLocked(a, podCreation, refused, true)
	}
	w.recount(before, a.verdict)
}

// recount updates the counters after the verdict on an object has changed.
func (w *readyWait) recount(before, now Verdict) {
	count := func(v Verdict, n int) {
		if v != Ready {
			w.left += n
		}
		if v == Unknown {
			w.unknown += n
		}
	}
	count(before, -1)
	count(now, +1)
}

// check ends the wait when no object is left.
func (w *readyWait) check() {
	if w.left == 0 || w.settled && w.left == w.unknown {
		w.finish(errAllReady)
	}
}
