package ready

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// waiting is a wait for one object, which gets states at certain times.
type waiting struct {
	*readyWait

	t     *testing.T
	began time.Time
	at    place
}

// object sees a state of the object; the empty text means that it is deleted.
func (w waiting) object(text string) {
	if text == "" {
		w.see(w.at, "x", nil)
		return
	}
	o := object(w.t, text)
	o.SetName("x")
	w.see(w.at, "x", o)
}

// pod sees a state of a pod of the object, which was made so long after the wait began.
func (w waiting) pod(made time.Duration, status string) {
	kind := w.places[w.at]["x"].object.GetKind()
	p := object(w.t, fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {name: x-0, namespace: ns, creationTimestamp: %q, ownerReferences: [{kind: %s, name: x, uid: u, controller: true}]}, status: %s}",
		w.began.Add(made).Format(time.RFC3339), kind, status))
	w.seePod(w.t.Context(), p, false)
}

// event takes an event about the object.
func (w waiting) event(reason, uid string) *unstructured.Unstructured {
	return object(w.t, fmt.Sprintf("{apiVersion: v1, kind: Event, metadata: {name: e, namespace: ns}, reason: %s, message: too bad, lastTimestamp: %q, involvedObject: {kind: %s, name: x, uid: %q}}",
		reason, time.Now().Format(time.RFC3339), w.places[w.at]["x"].object.GetKind(), uid))
}

// TestWait: the messages in a wait of a minute and a grace of 20 s, when, and how the wait ends because of it.
func TestWait(t *testing.T) {
	const (
		deployment = "apiVersion: apps/v1, kind: Deployment, spec: {progressDeadlineSeconds: 5}"
		failed     = "{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, lastUpdateTime: '2026-01-01T00:00:00Z'}"
		anew       = "{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, lastUpdateTime: '2026-01-01T00:00:09Z'}"
		ready      = "observedGeneration: 2, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1"
		available  = "{type: Available, status: 'True'}"
		set        = "apiVersion: apps/v1, kind: StatefulSet, spec: {replicas: 3}"
		job        = "apiVersion: batch/v1, kind: Job, spec: {ttlSecondsAfterFinished: 0}"
		complete   = "{" + job + ", metadata: {uid: u}, status: {conditions: [{type: Complete, status: 'True'}]}}"
		crash      = "{containerStatuses: [{name: a, restartCount: %d, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1}}}]}"
		running    = "{phase: Running, containerStatuses: [{name: a, restartCount: %d, state: {running: {}}}]}"
		nowhere    = "{phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: no node}]}"
		report     = "apiVersion: example.com/v1, kind: Report"
		stalled    = "{type: Stalled, status: 'True', message: stuck, lastTransitionTime: '2026-01-01T00:00:00Z'}"
		again      = "{type: Stalled, status: 'True', message: stuck, lastTransitionTime: '2026-01-01T00:00:09Z'}"
	)
	type step struct {
		at   time.Duration
		does func(w waiting)
	}
	for name, c := range map[string]struct {
		// applied is the object as the server returned it.
		applied string
		asked   bool
		rules   func(*unstructured.Unstructured) (Verdict, string)
		steps   []step
		want    error
		ends    time.Duration
	}{
		"a failure of an older revision": {
			applied: "{" + deployment + ", metadata: {resourceVersion: '1'}, status: {conditions: [" + failed + "]}}",
			steps: []step{
				{0, func(w waiting) {
					w.object("{" + deployment + ", metadata: {generation: 2}, status: {observedGeneration: 1, conditions: [" + failed + "]}}")
				}},
				{time.Second, func(w waiting) {
					w.object("{" + deployment + ", metadata: {generation: 2}, status: {" + ready + ", conditions: [" + failed + "]}}")
				}},
				{2 * time.Second, func(w waiting) {
					w.object("{" + deployment + ", metadata: {generation: 2}, status: {" + ready + ", conditions: [" + available + ", {type: Progressing, status: 'True', reason: NewReplicaSetAvailable}]}}")
				}},
			},
			want: errAllReady, ends: 2 * time.Second,
		},
		"a failure that stood when it was seen first": {
			applied: "{" + deployment + "}",
			steps: []step{{0, func(w waiting) {
				w.object("{" + deployment + ", status: {conditions: [" + failed + "]}}")
			}}},
			want: errTimeout, ends: time.Minute,
		},
		"a failure of this revision": {
			applied: "{" + deployment + ", metadata: {resourceVersion: '1'}, status: {conditions: [" + failed + "]}}",
			steps: []step{
				{0, func(w waiting) {
					w.object("{" + deployment + ", status: {conditions: [" + failed + "]}}")
				}},
				{3 * time.Second, func(w waiting) {
					w.object("{" + deployment + ", status: {conditions: [" + anew + "]}}")
				}},
			},
			want: errFailed, ends: 3 * time.Second,
		},
		"a failure of a new object": {
			applied: "{" + deployment + ", metadata: {resourceVersion: '1'}}",
			steps: []step{{time.Second, func(w waiting) {
				w.object("{" + deployment + ", status: {conditions: [" + failed + "]}}")
			}}},
			want: errFailed, ends: time.Second,
		},
		"a custom resource that was stalled, and is again": {
			applied: "{" + report + ", metadata: {resourceVersion: '1'}, status: {conditions: [" + stalled + "]}}",
			steps: []step{
				{0, func(w waiting) { w.object("{" + report + ", status: {conditions: [" + stalled + "]}}") }},
				{5 * time.Second, func(w waiting) { w.object("{" + report + ", status: {conditions: [" + again + "]}}") }},
			},
			want: errFailed, ends: 5 * time.Second,
		},
		"a rule of the user's, and a failure that stood": {
			applied: "{" + report + ", metadata: {resourceVersion: '1'}, status: {phase: Degraded}}",
			rules: func(o *unstructured.Unstructured) (Verdict, string) {
				if phase, _, _ := unstructured.NestedString(o.Object, "status", "phase"); phase == "Degraded" {
					return Failed, "degraded"
				}
				return Ready, ""
			},
			steps: []step{
				{0, func(w waiting) { w.object("{" + report + ", status: {phase: Degraded}}") }},
				{5 * time.Second, func(w waiting) { w.object("{" + report + ", status: {phase: Healthy}}") }},
			},
			want: errAllReady, ends: 5 * time.Second,
		},
		"a pod is refused, and made later": {
			applied: "{" + set + "}",
			steps: []step{
				{0, func(w waiting) { w.object("{" + set + "}") }},
				{time.Second, func(w waiting) { w.seeFailedCreate(w.event("FailedCreate", ""), false) }},
				{5 * time.Second, func(w waiting) { w.pod(5*time.Second, "{phase: Pending}") }},
			},
			want: errTimeout, ends: time.Minute,
		},
		"a pod was refused before one was made": {
			applied: "{" + set + "}",
			steps: []step{
				{0, func(w waiting) { w.object("{" + set + "}") }},
				{time.Second, func(w waiting) {
					w.pod(2*time.Second, "{phase: Pending}")
					w.seeFailedCreate(w.event("FailedCreate", ""), false)
				}},
			},
			want: errTimeout, ends: time.Minute,
		},
		"a pod is refused": {
			applied: "{" + set + "}",
			steps: []step{
				{0, func(w waiting) { w.object("{" + set + "}") }},
				{time.Second, func(w waiting) { w.seeFailedCreate(w.event("FailedCreate", ""), false) }},
			},
			want: errFailed, ends: 21 * time.Second,
		},
		"a pod is made, and the next refused": {
			applied: "{" + set + "}",
			steps: []step{
				{0, func(w waiting) { w.object("{" + set + "}") }},
				{time.Second, func(w waiting) { w.pod(0, "{phase: Pending}") }},
				{4 * time.Second, func(w waiting) { w.seeFailedCreate(w.event("FailedCreate", ""), false) }},
			},
			want: errFailed, ends: 24 * time.Second,
		},
		"a crash loop": {
			applied: "{" + set + "}",
			steps: []step{
				{0, func(w waiting) { w.object("{" + set + "}") }},
				{time.Second, func(w waiting) { w.pod(0, fmt.Sprintf(crash, 0)) }},
				{12 * time.Second, func(w waiting) { w.pod(0, fmt.Sprintf(crash, 1)) }},
				{30 * time.Second, func(w waiting) { w.pod(0, fmt.Sprintf(crash, 2)) }},
				{35 * time.Second, func(w waiting) { w.pod(0, fmt.Sprintf(running, 3)) }},
			},
			want: errFailed, ends: 50 * time.Second,
		},
		"a pod that no node takes": {
			applied: "{" + set + "}",
			steps: []step{
				{0, func(w waiting) { w.object("{" + set + "}") }},
				{time.Second, func(w waiting) { w.pod(0, nowhere) }},
			},
			want: errTimeout, ends: time.Minute,
		},
		"a pod that no node takes, with a grace that was asked for": {
			applied: "{" + set + "}", asked: true,
			steps: []step{
				{0, func(w waiting) { w.object("{" + set + "}") }},
				{time.Second, func(w waiting) { w.pod(0, nowhere) }},
			},
			want: errFailed, ends: 21 * time.Second,
		},
		"the others get on": {
			applied: "{" + set + "}",
			steps: []step{
				{0, func(w waiting) { w.object("{" + set + "}") }},
				{time.Second, func(w waiting) { w.pod(0, fmt.Sprintf(crash, 7)) }},
				{15 * time.Second, func(w waiting) { w.object("{" + set + ", status: {readyReplicas: 1}}") }},
				{30 * time.Second, func(w waiting) { w.object("{" + set + ", status: {readyReplicas: 2}}") }},
				{40 * time.Second, func(w waiting) { w.object("{" + set + ", status: {readyReplicas: 1}}") }},
				{45 * time.Second, func(w waiting) { w.object("{" + set + ", status: {readyReplicas: 2}}") }},
			},
			want: errFailed, ends: 50 * time.Second,
		},
		"a Job that is complete is removed, and another one is not": {
			applied: "{" + job + "}",
			steps: []step{
				{0, func(w waiting) {
					w.expect(w.at, named("y"), jobRule)
					w.object(complete)
				}},
				{time.Second, func(w waiting) { w.object("") }},
				{9 * time.Second, func(w waiting) {
					y := object(w.t, complete)
					y.SetName("y")
					w.see(w.at, "y", y)
				}},
			},
			want: errAllReady, ends: 9 * time.Second,
		},
		"a Job whose end was missed": {
			applied: "{" + job + ", metadata: {uid: u}}",
			steps: []step{
				{0, func(w waiting) { w.object("") }},
				{time.Second, func(w waiting) { w.seeJobEnd(w.event("SuccessfulCreate", "u")) }},
				{2 * time.Second, func(w waiting) { w.seeJobEnd(w.event("Completed", "another")) }},
				{3 * time.Second, func(w waiting) { w.seeJobEnd(w.event("Completed", "u")) }},
			},
			want: errAllReady, ends: 3 * time.Second,
		},
		"a Job whose failure was missed": {
			applied: "{" + job + ", metadata: {uid: u}}",
			steps: []step{
				{0, func(w waiting) { w.object("") }},
				{time.Second, func(w waiting) { w.seeJobEnd(w.event("BackoffLimitExceeded", "u")) }},
			},
			want: errFailed, ends: time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := waiting{newReadyWait(nil, Options{Grace: 20 * time.Second, Unschedulable: c.asked}), t, time.Now(), place{namespace: "ns"}}
				applied := object(t, c.applied)
				applied.SetName("x")
				applied.SetNamespace("ns")
				rule := c.rules
				kind := applied.GroupVersionKind().GroupKind()
				switch known := rules[kind]; {
				case known != nil:
					w.at.resource, _ = kube.ResourceOf(kind)
					rule = known
				case rule == nil:
					rule = customRule
				default:
					w.how.Rules = map[schema.GroupKind]Rule{kind: rule}
				}
				w.expect(w.at, applied, rule)
				timed, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errTimeout)
				defer cancel()
				ctx, finish := context.WithCancelCause(timed)
				defer finish(nil)
				w.finish = finish
				for _, s := range c.steps {
					select {
					case <-ctx.Done():
					case <-time.After(time.Until(w.began.Add(s.at))):
						s.does(w)
					}
				}
				<-ctx.Done()
				if got, took := context.Cause(ctx), time.Since(w.began); !errors.Is(got, c.want) || took != c.ends {
					t.Errorf("%v after %s, want %v after %s", got, took, c.want, c.ends)
				}
			})
		})
	}
}

func named(name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "batch/v1", "kind": "Job"}}
	o.SetName(name)
	return o
}
