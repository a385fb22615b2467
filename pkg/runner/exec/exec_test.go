package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	kubeexec "github.com/kubectl-tasks/kubectl-tasks/pkg/kube/exec"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// end is how a program ends in a pod of the fake cluster.
type end struct {
	code int
	err  error
}

// cluster is a fake: a real one cannot be made to lose a connection at a chosen moment. Programs
// take a second and print the name of their container.
type cluster struct {
	ends map[string]end

	mu            sync.Mutex
	running, most int
	called        []string
}

func (c *cluster) Exec(ctx context.Context, req kubeexec.Request, _ time.Duration) (int, error) {
	c.mu.Lock()
	c.running++
	c.most = max(c.most, c.running)
	c.called = append(c.called, req.Pod+"/"+req.Container)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.running--
		c.mu.Unlock()
	}()
	fmt.Fprintf(req.Stdout, "in %s", req.Container)
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return 0, kubeexec.ErrStopped
	}
	e := c.ends[req.Pod]
	return e.code, e.err
}

func (c *cluster) Reattach(ctx context.Context, req kubeexec.Request, grace time.Duration) (int, error) {
	req.Container += " again " + req.Token
	return c.Exec(ctx, req, grace)
}

func pod(name string, change ...func(*corev1.Pod)) corev1.Pod {
	p := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}, {Name: "side"}}},
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

func withDefault(container string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Annotations = map[string]string{"kubectl.kubernetes.io/default-container": container}
	}
}

func TestRun(t *testing.T) {
	notFound := &kubeexec.RefusedError{Err: apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "b")}
	tests := []struct {
		name      string
		exec      task.Exec
		pods      []corev1.Pod
		podsError error
		ends      map[string]end
		state     task.State
		message   string
		code      int
		called    []string
	}{
		{
			name: "no pods", exec: task.Exec{AllowEmpty: true}, podsError: &workload.NoPodsError{Of: "the release", Why: "release has no pods"},
			state: task.Skipped, message: "release has no pods; nothing to run",
		},
		{
			name: "no pods, which is not allowed", podsError: &workload.NoPodsError{Of: "deployment/web", Why: "it is scaled to zero"},
			state: task.Failed, message: "no ready pod of deployment/web: it is scaled to zero",
		},
		{
			name: "pods that are not ready are not no pods", exec: task.Exec{AllowEmpty: true},
			podsError: &workload.NoPodsError{Of: "the release", Why: "pod a: ErrImagePull", Unready: true},
			state:     task.Failed, message: "no ready pod of the release: pod a: ErrImagePull",
		},
		{name: "one of the pods", exec: task.Exec{}, pods: []corev1.Pod{pod("a"), pod("b")}, state: task.Succeeded, called: []string{"a/app"}},
		{name: "container by name", exec: task.Exec{Container: "side"}, pods: []corev1.Pod{pod("a")}, state: task.Succeeded, called: []string{"a/side"}},
		{
			name: "no such container", exec: task.Exec{Container: "x"}, pods: []corev1.Pod{pod("a")}, state: task.Failed,
			message: "failed in pod a: container x is not valid for pod a out of: app, side",
		},
		{name: "one pod", exec: task.Exec{Pods: task.All}, pods: []corev1.Pod{pod("a")}, state: task.Succeeded, called: []string{"a/app"}},
		{name: "every pod, in order", exec: task.Exec{Pods: task.All}, pods: []corev1.Pod{pod("a"), pod("b")}, state: task.Succeeded, called: []string{"a/app", "b/app"}},
		{name: "default container", exec: task.Exec{Pods: task.All}, pods: []corev1.Pod{pod("a", withDefault("side"))}, state: task.Succeeded, called: []string{"a/side"}},
		{
			name: "default container that does not exist", exec: task.Exec{Pods: task.All}, pods: []corev1.Pod{pod("a", withDefault("x"))}, state: task.Failed,
			message: "failed in pod a: container x is not valid for pod a out of: app, side",
		},
		{
			name: "a failure keeps the program from no other pod", exec: task.Exec{Pods: task.All}, pods: []corev1.Pod{pod("a"), pod("b")}, ends: map[string]end{"a": {code: 3}},
			state: task.Failed, code: 3, message: "failed in 1 of 2 pods: a: exit status 3", called: []string{"a/app", "b/app"},
		},
		{
			name: "killed", exec: task.Exec{Pods: task.All}, pods: []corev1.Pod{pod("a")}, ends: map[string]end{"a": {code: 137}},
			state: task.Failed, code: 137, message: "failed in pod a: exit status 137: terminated by signal 9", called: []string{"a/app"},
		},
		{
			name: "not found in the container", exec: task.Exec{Pods: task.All}, pods: []corev1.Pod{pod("a")}, ends: map[string]end{"a": {code: 127}},
			state: task.Failed, code: 127, message: "failed in pod a: exit status 127: no such program in the container", called: []string{"a/app"},
		},
		{
			name: "an observed failure is the result, and the unknown result is in the message", exec: task.Exec{Pods: task.All}, pods: []corev1.Pod{pod("a"), pod("b")},
			ends:  map[string]end{"a": {code: 1}, "b": {err: &kubeexec.LostError{Err: errors.New("reset")}}},
			state: task.Failed, code: 1, called: []string{"a/app", "b/app"},
			message: "failed in 1 of 2 pods: a: exit status 1; result unknown in 1 of 2 pods: b: connection lost; result unknown, the command may still be running: reset",
		},
		{
			name: "a connection that is lost", exec: task.Exec{Pods: task.All}, pods: []corev1.Pod{pod("a"), pod("b")},
			ends:  map[string]end{"b": {err: &kubeexec.LostError{Err: errors.New("reset")}}},
			state: task.Unknown, called: []string{"a/app", "b/app"},
			message: "result unknown in 1 of 2 pods: b: connection lost; result unknown, the command may still be running: reset",
		},
		{
			name: "killed with its pod", exec: task.Exec{Pods: task.All}, pods: []corev1.Pod{pod("gone"), pod("b")}, ends: map[string]end{"gone": {code: 137}},
			state: task.Unknown, message: "result unknown in 1 of 2 pods: gone: the pod was deleted while the program ran", called: []string{"gone/app", "b/app"},
		},
		{
			name: "pod gone", exec: task.Exec{Pods: task.All}, pods: []corev1.Pod{pod("a"), pod("b")}, ends: map[string]end{"b": {err: notFound}},
			state: task.Failed, message: "failed in 1 of 2 pods: b: the pod no longer exists", called: []string{"a/app", "b/app"},
		},
		{
			name: "refused", exec: task.Exec{Pods: task.All}, pods: []corev1.Pod{pod("a")}, ends: map[string]end{"a": {err: &kubeexec.RefusedError{Err: errors.New("no right")}}},
			state: task.Failed, message: "failed in pod a: no right", called: []string{"a/app"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &cluster{ends: tt.ends}
				runner := Runner{
					Client: c, Pods: func(context.Context, task.Exec) ([]corev1.Pod, error) { return tt.pods, tt.podsError },
					PodDeleted: func(_ context.Context, p *corev1.Pod) bool { return p.Name == "gone" },
				}
				result := runner.Run(t.Context(), task.Task{Executor: tt.exec}, func(task.Output) {})
				if result.State != tt.state || result.Message != tt.message {
					t.Errorf("%s %q\nwant %s %q", result.State, result.Message, tt.state, tt.message)
				}
				if tt.code != 0 && (result.ExitCode == nil || *result.ExitCode != tt.code) {
					t.Errorf("exit code %v, want %d", result.ExitCode, tt.code)
				}
				if diff := cmp.Diff(tt.called, c.called); diff != "" {
					t.Errorf("called (-want +got):\n%s", diff)
				}
				if want := tt.exec.Pods.Of(len(tt.pods)); len(result.Targets) != want {
					t.Errorf("%d targets for %d pods", len(result.Targets), want)
				}
			})
		})
	}
}

func TestRunPrefixesOnlySeveralPods(t *testing.T) {
	for n, want := range map[int][]string{1: {""}, 2: {"p0", "p1"}} {
		synctest.Test(t, func(t *testing.T) {
			var pods []corev1.Pod
			for i := range n {
				pods = append(pods, pod(fmt.Sprintf("p%d", i)))
			}
			var got []string
			runner := Runner{Client: &cluster{}, Pods: func(context.Context, task.Exec) ([]corev1.Pod, error) { return pods, nil }}
			runner.Run(t.Context(), task.Task{Executor: task.Exec{Pods: task.All}}, func(o task.Output) { got = append(got, o.Target) })
			if !slices.Equal(got, want) {
				t.Errorf("%d pods: sources %q, want %q", n, got, want)
			}
		})
	}
}

func TestRunParallel(t *testing.T) {
	for parallel, took := range map[int]time.Duration{0: 6 * time.Second, 1: 6 * time.Second, 4: 2 * time.Second, 10: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var pods []corev1.Pod
			for i := range 6 {
				pods = append(pods, pod(fmt.Sprintf("p%d", i)))
			}
			c := &cluster{}
			runner := Runner{Client: c, Pods: func(context.Context, task.Exec) ([]corev1.Pod, error) { return pods, nil }}
			began := time.Now()
			runner.Run(t.Context(), task.Task{Executor: task.Exec{Pods: task.All, Parallel: parallel}}, func(task.Output) {})
			if c.most != min(max(parallel, 1), 6) || time.Since(began) != took {
				t.Errorf("parallel %d: %d at a time in %s", parallel, c.most, time.Since(began))
			}
		})
	}
}

func TestRunCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(1500*time.Millisecond, func() { cancel(errors.New("enough")) })
		pods := []corev1.Pod{pod("a"), pod("b"), pod("c")}
		result := Runner{Client: &cluster{}, Pods: func(context.Context, task.Exec) ([]corev1.Pod, error) { return pods, nil }}.
			Run(ctx, task.Task{Executor: task.Exec{Pods: task.All}}, func(task.Output) {})
		var states []string
		for _, target := range result.Targets {
			states = append(states, string(target.State))
		}
		if got := strings.Join(states, " "); result.State != task.Cancelled || got != "Succeeded Cancelled NotRun" {
			t.Errorf("%s: %s", result.State, got)
		}
	})
}

// scaledUp is a workload that the task has scaled up.
type scaledUp struct{}

func (scaledUp) ScaleUp(context.Context, func(string)) (bool, error) { return true, nil }
func (scaledUp) Done(context.Context, func(string))                  {}

// TestRunWaits: a task with a time limit, or one that has scaled its workload up, waits for a pod that exists and is not
// ready; no other does.
func TestRunWaits(t *testing.T) {
	pending := &workload.NoPodsError{Of: "deployment/web", Why: "pod a: pending", Unready: true, Pending: true}
	for name, c := range map[string]struct {
		timeout time.Duration
		none    *workload.NoPodsError
		ready   time.Duration
		state   task.State
		message string
		took    time.Duration
		// scaleTimeout is that of a task that scales its workload up.
		scaleTimeout time.Duration
	}{
		"ready in time":                {time.Minute, pending, 5 * time.Second, task.Succeeded, "", 6 * time.Second, 0},
		"ready after it was scaled up": {0, pending, 5 * time.Second, task.Succeeded, "", 6 * time.Second, time.Minute},
		"too late after that":          {0, pending, 5 * time.Second, task.Failed, "no ready pod of deployment/web: pod a: pending", 3 * time.Second, 3 * time.Second},
		"too late":                     {3 * time.Second, pending, 5 * time.Second, task.Cancelled, "late: no ready pod of deployment/web: pod a: pending", 3 * time.Second, 0},
		"without a limit":              {0, pending, 5 * time.Second, task.Failed, "no ready pod of deployment/web: pod a: pending", 0, 0},
		"none is going to be one":      {time.Minute, &workload.NoPodsError{Of: "x", Why: "none matches"}, 5 * time.Second, task.Failed, "no ready pod of x: none matches", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				r := Runner{Client: &cluster{}, Pods: func(ctx context.Context, _ task.Exec) ([]corev1.Pod, error) {
					if err := ctx.Err(); err != nil {
						return nil, err
					}
					if time.Since(began) < c.ready {
						return nil, c.none
					}
					return []corev1.Pod{pod("a")}, nil
				}}
				e := task.Exec{}
				if c.scaleTimeout > 0 {
					e.Target, e.Scale, r.ScaleTimeout = "deployment/web", true, c.scaleTimeout
					r.Use = func(string) (Workload, error) { return scaledUp{}, nil }
				}
				ctx := t.Context()
				if c.timeout > 0 {
					limited, cancel := context.WithTimeoutCause(ctx, c.timeout, errors.New("late"))
					defer cancel()
					ctx = limited
				}
				notes := 0
				result := r.Run(ctx, task.Task{Executor: e, Policy: task.Policy{Timeout: c.timeout}}, func(o task.Output) {
					if o.Stream == task.Note {
						notes++
					}
				})
				if result.State != c.state || result.Message != c.message || time.Since(began) != c.took {
					t.Errorf("%s %q after %s, want %s %q after %s", result.State, result.Message, time.Since(began), c.state, c.message, c.took)
				}
				if want := min(1, int(c.took.Seconds())); notes != want {
					t.Errorf("%d notes, want %d", notes, want)
				}
			})
		})
	}
}

// TestAttach: a program that an earlier process has started is followed in its container, by its token.
func TestAttach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{ends: map[string]end{"b": {code: 3}}}
		r := Runner{Client: c, PodDeleted: func(context.Context, *corev1.Pod) bool { return false }, Token: func(pod string) string { return "token-" + pod }}
		result := r.Attach(t.Context(), task.Task{Executor: task.Exec{}}, []task.Object{{Name: "a", Container: "app"}, {Name: "b", Container: "side"}}, func(task.Output) {})
		slices.Sort(c.called)
		if result.State != task.Failed || *result.ExitCode != 3 || !slices.Equal(c.called, []string{"a/app again token-a", "b/side again token-b"}) {
			t.Errorf("%+v, called %q", result, c.called)
		}
	})
}

// TestRunBeforeStart: BeforeStart is called with the containers before the program runs, and its error prevents that.
func TestRunBeforeStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{}
		var told []task.Object
		r := Runner{Client: c, Pods: func(context.Context, task.Exec) ([]corev1.Pod, error) { return []corev1.Pod{pod("a"), pod("b")}, nil }}
		r.BeforeStart = func(places ...task.Object) error {
			told = append(told, places...)
			if len(c.called) > 0 {
				t.Error("it was reported too late")
			}
			return nil
		}
		r.Run(t.Context(), task.Task{Executor: task.Exec{Pods: task.All, Container: "side"}}, func(task.Output) {})
		if len(told) != 2 || told[1].Name != "b" || told[1].Container != "side" {
			t.Errorf("told %v", told)
		}
		c.called = nil
		r.BeforeStart = func(...task.Object) error { return errors.New("no record") }
		if result := r.Run(t.Context(), task.Task{Executor: task.Exec{}}, func(task.Output) {}); result.State != task.Failed || len(c.called) > 0 {
			t.Errorf("%+v, called %q", result, c.called)
		}
	})
}

func TestProgram(t *testing.T) {
	e := task.Exec{Command: task.Command{Argv: []string{"sh", "-c", "x"}}}
	if diff := cmp.Diff([]string{"sh", "-c", "x"}, program(e)); diff != "" {
		t.Error(diff)
	}
	e.Env = []string{"A=b c", "D="}
	if diff := cmp.Diff([]string{"env", "A=b c", "D=", "sh", "-c", "x"}, program(e)); diff != "" {
		t.Error(diff)
	}
}
