package pod

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// attempt is a pod whose container "main" runs for the n-th time, with its previous end, or nil when the status has none.
func attempt(n int32, now corev1.ContainerState, before *corev1.ContainerState) *corev1.Pod {
	pod := state(now)
	pod.Status.ContainerStatuses[0].RestartCount = n
	if before != nil {
		pod.Status.ContainerStatuses[0].LastTerminationState = *before
	}
	return pod
}

// deleting is the pod while it is being deleted.
func deleting(pod *corev1.Pod, phase corev1.PodPhase) *corev1.Pod {
	now := metav1.Now()
	pod.DeletionTimestamp, pod.Status.Phase = &now, phase
	return pod
}

// TestRestarted: a pod whose containers are restarted after a failure ends with the attempt that succeeds, or with its
// phase; the log of each attempt is shown once.
func TestRestarted(t *testing.T) {
	one, backOff := exited(1, "Error"), waitingFor("CrashLoopBackOff", "")
	const again = "container main: exit status 1; it may be restarted"
	for _, tt := range []struct {
		name   string
		policy corev1.RestartPolicy
		states []*corev1.Pod
		logs   []string // of the attempts, as the container's log has them
		before string
		want   task.State
		says   string
		prints string
	}{
		{
			name: "it succeeds the second time", policy: corev1.RestartPolicyOnFailure, logs: []string{"first\n", "second\n"}, before: "first\n",
			states: []*corev1.Pod{attempt(0, running(), nil), attempt(0, one, nil), attempt(1, running(), &one), attempt(1, exited(0, ""), &one)},
			want:   task.Succeeded, prints: "first, " + again + ", second",
		},
		{
			name: "the first end is missed", policy: corev1.RestartPolicyOnFailure, logs: []string{"second\n"}, before: "first\n",
			states: []*corev1.Pod{attempt(1, running(), &one), attempt(1, exited(0, ""), &one)},
			want:   task.Succeeded, prints: again + ", first, second",
		},
		{
			name: "it waits between two attempts", policy: corev1.RestartPolicyAlways, logs: []string{"first\n", "second\n"}, before: "first\n",
			states: []*corev1.Pod{attempt(0, running(), nil), attempt(0, backOff, &one), attempt(0, backOff, &one), attempt(1, running(), &one), attempt(1, exited(0, ""), &one)},
			want:   task.Succeeded, prints: "first, " + again + ", second",
		},
		{
			name: "it is not started again", policy: corev1.RestartPolicyNever, logs: []string{"first\n"},
			states: []*corev1.Pod{attempt(0, running(), nil), attempt(0, one, nil)},
			want:   task.Failed, says: "exit status 1", prints: "first",
		},
		{
			name: "it is ended for good", policy: corev1.RestartPolicyOnFailure, logs: []string{"first\n", "second\n"}, before: "first\n",
			states: []*corev1.Pod{attempt(0, running(), nil), attempt(0, one, nil), attempt(1, running(), &one), deleting(attempt(1, exited(143, "Error"), &one), corev1.PodFailed)},
			want:   task.Failed, says: "exit status 143: another client deleted the pod", prints: "first, " + again + ", second",
		},
		{
			name: "the node closes the log before it has read its only line", policy: corev1.RestartPolicyNever, logs: []string{"", "only line\n"},
			states: []*corev1.Pod{attempt(0, running(), nil), attempt(0, exited(0, ""), nil)},
			want:   task.Succeeded, prints: "only line",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &cluster{states: tt.states, logs: map[string][]string{"main": tt.logs}, previous: map[string]string{"main": tt.before}}
				pod := &corev1.Pod{Spec: corev1.PodSpec{RestartPolicy: tt.policy, Containers: []corev1.Container{{Name: "main"}}}}
				printed, sink := collect()
				result := Runner{Cluster: c, StuckTimeout: time.Hour}.Follow(t.Context(), pod, sink)
				if result.State != tt.want || result.Message != tt.says {
					t.Errorf("%s %q, want %s %q", result.State, result.Message, tt.want, tt.says)
				}
				if diff := cmp.Diff(tt.prints, strings.Join(printed(), ", ")); diff != "" {
					t.Errorf("printed (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// collect returns a sink and the pieces that it received, each without its line break.
func collect() (func() []string, task.Sink) {
	var (
		mu  sync.Mutex
		all []string
	)
	return func() []string {
			mu.Lock()
			defer mu.Unlock()
			return all
		}, func(o task.Output) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, strings.TrimSpace(string(o.Data)))
		}
}

// TestFailedPod: the output of a pod that failed before its main container ran is shown.
func TestFailedPod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := &corev1.Pod{Status: corev1.PodStatus{
			Phase:                 corev1.PodFailed,
			InitContainerStatuses: []corev1.ContainerStatus{{Name: "init", State: exited(3, "Error")}},
			ContainerStatuses:     []corev1.ContainerStatus{{Name: "main", State: waitingFor("PodInitializing", "")}},
		}}
		c := &cluster{states: []*corev1.Pod{failed}, logs: map[string][]string{"init": {"no database\n"}}}
		executor := task.Pod{Spec: corev1.PodSpec{InitContainers: []corev1.Container{{Name: "init"}}, Containers: []corev1.Container{{Name: "main"}}}}
		printed, sink := collect()
		result := Runner{Cluster: c}.Run(t.Context(), task.Task{Name: "t", Executor: executor}, sink)
		if got := strings.Join(printed(), ", "); result.State != task.Failed || result.Message != "init container init: exit status 3" || got != "no database" {
			t.Errorf("%s %q, printed %q", result.State, result.Message, got)
		}
	})
}

// TestUnreadableLog: a log that the server refuses is not requested again, and one that cannot be read for a while is
// requested with growing pauses; a note says either once.
func TestUnreadableLog(t *testing.T) {
	forbidden := apierrors.NewForbidden(corev1.Resource("pods/log"), "p", errors.New("no right"))
	for _, tt := range []struct {
		name  string
		err   error
		says  string
		takes time.Duration
	}{
		{"refused", forbidden, "the log of container main cannot be read: " + forbidden.Error(), 3 * time.Second},
		{"broken", errors.New("no route to host"), "the rest of the log was not received", 13 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &cluster{states: []*corev1.Pod{state(running()), state(running()), state(running()), state(exited(0, ""))}, logsErr: tt.err}
				executor := task.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}}}
				printed, sink := collect()
				began := time.Now()
				result := Runner{Cluster: c}.Run(t.Context(), task.Task{Name: "t", Executor: executor}, sink)
				if got := strings.Join(printed(), ", "); result.State != task.Succeeded || got != tt.says {
					t.Errorf("%s, printed %q", result.State, got)
				}
				if took := time.Since(began); took != tt.takes {
					t.Errorf("took %s, want %s", took, tt.takes)
				}
			})
		})
	}
}
