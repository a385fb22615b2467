package pod

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// cluster is a fake whose pod has one state after another, each for a second; the last one stays.
type cluster struct {
	states []*corev1.Pod
	// vanishes reports that the pod no longer exists after its last state.
	vanishes bool
	// logs are the parts of a container's log, one for each connection. A part that ends with "!" breaks off.
	logs map[string][]string
	// warnings are those of the cluster.
	warnings []string
	// previous is the log of a container before its restart.
	previous map[string]string
	// logsErr is the error of reading a log.
	logsErr error
	// rotated reports that a log cannot be read a second time.
	rotated    bool
	restricted bool
	createErr  error
	deleteErr  error

	mu      sync.Mutex
	created *corev1.Pod
	// there is a pod that an earlier process created.
	there   *corev1.Pod
	deleted []time.Duration
	read    map[string]int
}

func (c *cluster) Restricted(context.Context, string) bool { return c.restricted }

func (c *cluster) CreatePod(_ context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	if c.createErr != nil {
		return nil, c.createErr
	}
	made := pod.DeepCopy()
	made.Name, made.UID = "p", "1"
	c.created = made
	return made, nil
}

func (c *cluster) GetPod(_ context.Context, _, name string) (*corev1.Pod, error) {
	if c.there == nil {
		return nil, apierrors.NewNotFound(corev1.Resource("pods"), name)
	}
	return c.there, nil
}

func (c *cluster) DeletePod(_ context.Context, _ *corev1.Pod, grace time.Duration) error {
	c.deleted = append(c.deleted, grace)
	return c.deleteErr
}

func (c *cluster) FollowPod(ctx context.Context, _ *corev1.Pod, see func(*corev1.Pod) bool) error {
	if len(c.deleted) > 0 {
		see(nil)
		return nil
	}
	for _, s := range c.states {
		if !see(s) {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
	if c.vanishes {
		see(nil)
		return nil
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (c *cluster) FollowWarnings(ctx context.Context, _ *corev1.Pod, see func(reason, message string)) error {
	for _, w := range c.warnings {
		see("FailedMount", w)
		see("BackOff", "what the status tells")
	}
	<-ctx.Done()
	return ctx.Err()
}

func (c *cluster) CopyLogs(ctx context.Context, _ *corev1.Pod, container string, _ kube.LogsFrom, w io.Writer) error {
	if c.logsErr != nil {
		return c.logsErr
	}
	c.mu.Lock()
	if c.read == nil {
		c.read = map[string]int{}
	}
	n := c.read[container]
	c.read[container]++
	c.mu.Unlock()
	if n >= len(c.logs[container]) {
		if c.vanishes {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
	text, broken := strings.CutSuffix(c.logs[container][n], "!")
	_, _ = io.WriteString(w, text)
	if broken {
		return errors.New("broken")
	}
	return nil
}

func (c *cluster) StartOfLog(_ context.Context, _ *corev1.Pod, container string, n int64) ([]byte, error) {
	all := strings.ReplaceAll(strings.Join(c.logs[container], ""), "!", "")
	if c.rotated {
		all = "later" + all
	}
	return []byte(all[:min(n, int64(len(all)))]), nil
}

func (c *cluster) ReadLogs(_ context.Context, _ *corev1.Pod, container string, from kube.LogsFrom, w io.Writer) error {
	if c.logsErr != nil {
		return c.logsErr
	}
	all := strings.ReplaceAll(strings.Join(c.logs[container], ""), "!", "")
	if from.Previous {
		all = c.previous[container]
	}
	if c.rotated || int64(len(all)) < from.Skip.Bytes || !strings.HasPrefix(all[:from.Skip.Bytes], string(from.Skip.Tail)) {
		return kube.ErrRotated
	}
	_, err := io.WriteString(w, all[from.Skip.Bytes:])
	return err
}

func waitingFor(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func running() corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
}

func exited(code int32, reason string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason}}
}

// state is a pod whose container "main", and "side" when there are two, are in these states.
func state(states ...corev1.ContainerState) *corev1.Pod {
	pod := &corev1.Pod{}
	for i, s := range states {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{Name: []string{"main", "side"}[i], State: s})
	}
	return pod
}

func failed(reason, message string) *corev1.Pod {
	pod := state(running())
	pod.Status.Phase, pod.Status.Reason, pod.Status.Message = corev1.PodFailed, reason, message
	return pod
}

func unscheduled(message string) *corev1.Pod {
	return &corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: message},
	}}}
}

func TestRun(t *testing.T) {
	tests := []struct {
		name    string
		cluster cluster
		two     bool
		cancel  time.Duration
		want    task.State
		says    string
		prints  string
		took    time.Duration
		grace   time.Duration
	}{
		{
			name:    "success",
			cluster: cluster{states: []*corev1.Pod{state(waitingFor("ContainerCreating", "")), state(running()), state(exited(0, "Completed"))}, logs: map[string][]string{"main": {"a\nb"}}},
			want:    task.Succeeded, prints: "stdout: a\nstdout: b", took: 2 * time.Second,
		},
		{
			name: "failure", cluster: cluster{states: []*corev1.Pod{state(exited(3, "Error"))}, logs: map[string][]string{"main": {"a\n"}}},
			want: task.Failed, says: "ExitCode exit status 3", prints: "stdout: a\n",
		},
		{
			name: "out of memory", cluster: cluster{states: []*corev1.Pod{state(exited(137, "OOMKilled"))}, logs: map[string][]string{"main": {""}}},
			want: task.Failed, says: "ExitCode exit status 137: OOMKilled",
		},
		{
			name: "another container continues, and gets less time", two: true,
			cluster: cluster{states: []*corev1.Pod{state(running(), running()), state(exited(0, ""), running())}, logs: map[string][]string{"main": {"m\n"}, "side": {"s\n"}}},
			want:    task.Succeeded, prints: "main stdout: m\nside stdout: s\n", took: time.Second, grace: sidecarGrace,
		},
		{
			name:    "the log ends before the container is known to have",
			cluster: cluster{states: []*corev1.Pod{state(running()), state(exited(0, ""))}, logs: map[string][]string{"main": {"a\n"}}},
			want:    task.Succeeded, prints: "stdout: a\n", took: time.Second,
		},
		{
			name:    "a log that breaks off is taken up again where it was",
			cluster: cluster{states: []*corev1.Pod{state(running()), state(running()), state(running()), state(running()), state(running()), state(exited(0, ""))}, logs: map[string][]string{"main": {"a\nhal!", "b\n"}}},
			want:    task.Succeeded, prints: "stdout: a\nstdout: halb\n", took: 5 * time.Second,
		},
		{
			name:    "the end of a log that does not come is read",
			cluster: cluster{states: []*corev1.Pod{state(running()), state(exited(0, ""))}, logs: map[string][]string{"main": {"a\nb!", "c\nd"}}},
			want:    task.Succeeded, prints: "stdout: a\nstdout: bc\nstdout: d", took: time.Second,
		},
		{
			name: "the end of a log that was rotated does not come", cluster: cluster{states: []*corev1.Pod{state(exited(0, ""))}, rotated: true, logs: map[string][]string{"main": {"a!"}}},
			want: task.Succeeded, prints: "stdout: a\nnote: the log of container main was interrupted; lines may be missing\nnote: the rest of the log was not received\n", took: restTimeout,
		},
		{
			name: "an image that does not exist", cluster: cluster{states: []*corev1.Pod{
				state(waitingFor("ErrImagePull", "no such image")), state(waitingFor("ImagePullBackOff", "back-off")), state(waitingFor("ErrImagePull", "no such image")),
			}},
			want: task.Failed, says: "ImagePullBackOff container main: ImagePullBackOff: no such image", prints: "note: container main: ImagePullBackOff: no such image\n", took: 15 * time.Second, grace: 5 * time.Second,
		},
		{
			name: "an image that comes after all", cluster: cluster{states: []*corev1.Pod{
				state(waitingFor("ErrImagePull", "slow")), state(running()), state(exited(0, "")),
			}, logs: map[string][]string{"main": {""}}},
			want: task.Succeeded, prints: "note: container main: ImagePullBackOff: slow\n", took: 2 * time.Second,
		},
		{
			name: "a volume that does not come at once", cluster: cluster{warnings: []string{"no secret", "no secret"}, states: []*corev1.Pod{
				{}, {}, {}, {}, {}, {}, {}, state(exited(0, "")),
			}, logs: map[string][]string{"main": {""}}},
			want: task.Succeeded, prints: "note: the pod does not start: FailedMount: no secret\n", took: 7 * time.Second,
		},
		{
			name: "no node yet", cluster: cluster{states: []*corev1.Pod{unscheduled("0/1 nodes"), unscheduled("0/1 nodes"), state(exited(0, ""))}, logs: map[string][]string{"main": {""}}},
			want: task.Succeeded, prints: "note: the pod is not scheduled: 0/1 nodes\n", took: 2 * time.Second,
		},
		{name: "evicted", cluster: cluster{states: []*corev1.Pod{failed("Evicted", "low on memory")}}, want: task.Failed, says: "PodFailed the pod failed: Evicted: low on memory", grace: 5 * time.Second},
		{
			name: "deleted by another client", cluster: cluster{states: []*corev1.Pod{state(running())}, vanishes: true, logs: map[string][]string{"main": {"a\n"}}},
			want: task.Unknown, says: "PodGone pod p was deleted by another client before its end was observed", prints: "stdout: a\n", took: time.Second, grace: 5 * time.Second,
		},
		{
			name: "cancelled", cluster: cluster{states: []*corev1.Pod{state(running())}}, cancel: 3 * time.Second,
			want: task.Cancelled, says: "Cancelled stop", took: 3 * time.Second, grace: 5 * time.Second,
		},
		{
			name: "cancelled, and cannot be deleted", cluster: cluster{states: []*corev1.Pod{state(running())}, deleteErr: errors.New("no right")}, cancel: time.Second,
			want: task.Unknown, says: `NotStopped pod p in namespace "ns" could not be deleted: no right; to delete it, run: kubectl delete pod p -n ns`, took: time.Second, grace: 5 * time.Second,
		},
		{name: "refused", cluster: cluster{createErr: errors.New("exceeded quota")}, want: task.Failed, says: "NotCreated the pod cannot be created: exceeded quota"},
	}
	for i := range tests {
		tt := &tests[i]
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, func() { cancel(errors.New("stop")) })
				}
				var (
					mu      sync.Mutex
					printed []string
				)
				sink := func(o task.Output) {
					mu.Lock()
					defer mu.Unlock()
					printed = append(printed, strings.TrimSpace(o.Target+" "+string(o.Stream)+": "+string(o.Data)))
				}
				executor := task.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "i"}}}}
				if tt.two {
					executor.Spec.Containers = append(executor.Spec.Containers, corev1.Container{Name: "side", Image: "i"})
				}
				began := time.Now()
				r := Runner{Cluster: &tt.cluster, Namespace: "ns", Release: "web", Grace: 5 * time.Second, StuckTimeout: 15 * time.Second}
				result := r.Run(ctx, task.Task{Name: "t", Executor: executor}, sink)
				result.Tidy()
				if result.State != tt.want {
					t.Errorf("%s, want %s", result.State, tt.want)
				}
				if got := strings.TrimSpace(result.Reason + " " + result.Message); tt.says != "" && got != tt.says {
					t.Errorf("says %q, want %q", got, tt.says)
				}
				want, got := pieces(tt.prints), pieces(strings.Join(printed, "\n"))
				if tt.two {
					want, got = sorted(want), sorted(got)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("printed (-want +got):\n%s", diff)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
				if tt.cluster.created != nil && (len(tt.cluster.deleted) != 1 || tt.cluster.deleted[0] != tt.grace) {
					t.Errorf("deleted with grace %v, want %s once", tt.cluster.deleted, tt.grace)
				}
			})
		})
	}
}

// pieces returns the lines of a text without the names of streams that a piece of several lines
// repeats.
func pieces(text string) []string {
	var all []string
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' }) {
		for _, s := range []string{"stdout: ", "note: "} {
			line = strings.Replace(line, s, "", 1)
		}
		all = append(all, line)
	}
	return all
}

func sorted(all []string) []string {
	if len(all) > 1 && all[0] > all[1] {
		all[0], all[1] = all[1], all[0]
	}
	return all
}

func TestBuild(t *testing.T) {
	r := Runner{Cluster: &cluster{restricted: true}, Namespace: "ns", Release: "web"}
	spec := corev1.PodSpec{Containers: []corev1.Container{{Name: "a"}}}
	long := strings.Repeat("x", 49) + "-yz"
	pod := r.Build(t.Context(), task.Task{Name: long, Policy: task.Policy{Timeout: time.Minute}}, task.Pod{Spec: spec, Adapt: true})
	if want := strings.Repeat("x", 49) + "-"; !strings.HasPrefix(pod.Name, want) || len(pod.Name) != len(want)+suffix {
		t.Errorf("name %q, want %q and %d more", pod.Name, want, suffix)
	}
	if got := *pod.Spec.ActiveDeadlineSeconds; got != 90 {
		t.Errorf("deadline %d, want 90", got)
	}
	if pod.Spec.RestartPolicy != corev1.RestartPolicyNever || pod.Labels[releaseLabel] != "web" || pod.Labels[managedByLabel] != "kubectl-tasks" {
		t.Errorf("%+v", pod)
	}
	if s := pod.Spec.Containers[0].SecurityContext; s == nil || *s.AllowPrivilegeEscalation || s.Capabilities.Drop[0] != "ALL" {
		t.Errorf("container %+v is not restricted", s)
	}
	if spec.Containers[0].SecurityContext != nil {
		t.Error("the task itself was changed")
	}
	if pod := r.Build(t.Context(), task.Task{Name: "t"}, task.Pod{Spec: spec}); pod.Spec.SecurityContext != nil {
		t.Error("a full spec was changed")
	}
}

// TestAttach: an attempt of an earlier process is resumed with its own pod only.
func TestAttach(t *testing.T) {
	id := Identity{Run: "r", Step: "t", Attempt: 1}
	pod := func(run string, annotations map[string]string) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "p", UID: "1", Labels: map[string]string{RunLabel: run}, Annotations: annotations},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "side"}, {Name: "main"}}},
		}
	}
	main := map[string]string{MainAnnotation: "main"}
	for _, tt := range []struct {
		name  string
		there *corev1.Pod
		known types.UID
		found bool
	}{
		{"none", nil, "", false},
		{"of another run", pod("other", main), "", false},
		{"another one than the record names", pod("r", main), "2", false},
		{"the one that the record names", pod("r", main), "1", true},
		{"not in the record yet", pod("r", main), "", true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var made []task.Object
			c := &cluster{there: tt.there, states: []*corev1.Pod{state(exited(3, ""), running())}}
			r := Runner{Cluster: c, Namespace: "ns", ID: id, Created: func(o task.Object) { made = append(made, o) }}
			result, found := r.Attach(t.Context(), task.Task{Name: "t"}, string(tt.known), func(task.Output) {})
			result.Tidy()
			if found != tt.found || c.created != nil {
				t.Errorf("%s: found %v, made %v", tt.name, found, c.created)
			}
			if found && (result.State != task.Failed || *result.ExitCode != 3 || len(c.deleted) != 1 || made[0].UID != "1") {
				t.Errorf("%s: %+v, deleted %v, made %v", tt.name, result, c.deleted, made)
			}
		})
	}
}

// TestIdentity: each attempt of each step of each run has its own name, which is always the same.
func TestIdentity(t *testing.T) {
	seen := map[string]Identity{}
	for _, run := range []string{"a", "b"} {
		for _, step := range []string{"s", "undo/s"} {
			for attempt := 1; attempt < 4; attempt++ {
				id := Identity{run, step, attempt}
				name := id.Name(task.Task{Name: "Some task"})
				if other, twice := seen[name]; twice || name != id.Name(task.Task{Name: "Some task"}) || !strings.HasPrefix(name, "some-task-") {
					t.Errorf("%v is called %q, as is %v", id, name, other)
				}
				seen[name] = id
			}
		}
	}
}

// TestRotated: lines may be missing from a long log whose beginning no longer exists at its end, and a note says so; a
// short log is complete as it was read.
func TestRotated(t *testing.T) {
	const note = "the log of container main was rotated while it was followed; lines may be missing if the node sent it more slowly than the container printed it\n"
	for _, tt := range []struct {
		name    string
		bytes   int
		rotated bool
		says    string
	}{
		{"long, and rotated", shortLog, true, note},
		{"long", shortLog, false, ""},
		{"short, and rotated", shortLog / 2, true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &cluster{states: []*corev1.Pod{state(exited(0, ""))}, rotated: tt.rotated, logs: map[string][]string{"main": {strings.Repeat("x\n", tt.bytes/2)}}}
				says, printed := "", 0
				executor := task.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}}}
				result := Runner{Cluster: c}.Run(t.Context(), task.Task{Name: "t", Executor: executor}, func(o task.Output) {
					if o.Stream == task.Note {
						says += string(o.Data)
					} else {
						printed += len(o.Data)
					}
				})
				if result.State != task.Succeeded || printed != tt.bytes || says != tt.says {
					t.Errorf("%+v, %d bytes of %d, says %q", result, printed, tt.bytes, says)
				}
			})
		})
	}
}
