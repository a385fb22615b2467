package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// change is a state of a pod or of the Job, a second after the one before.
type change struct {
	pod  *corev1.Pod
	gone bool
	job  *batchv1.Job
	// noJob reports that the Job no longer exists.
	noJob bool
	// refusal is the reason why no pod can be created.
	refusal string
}

// cluster is a fake whose Job and pods change at given times.
type cluster struct {
	changes   []change
	createErr error
	deleteErr error
	// listAfter is how long the first list of the pods takes, listErr its error.
	listAfter time.Duration
	listErr   error
	// removal is how long the deletion of the Job takes.
	removal time.Duration

	mu      sync.Mutex
	deleted []string
	made    *batchv1.Job
}

func (c *cluster) Restricted(context.Context, string) bool { return false }

func (c *cluster) CreatePod(context.Context, *corev1.Pod) (*corev1.Pod, error) {
	return nil, errors.New("no pod is made but by the Job")
}

func (c *cluster) GetPod(context.Context, string, string) (*corev1.Pod, error) {
	return nil, errors.New("no pod is looked for but by the Job")
}

func (c *cluster) GetJob(_ context.Context, _, name string) (*batchv1.Job, error) {
	if c.made == nil {
		return nil, apierrors.NewNotFound(batchv1.Resource("jobs"), name)
	}
	return c.made, nil
}

func (c *cluster) DeletePod(_ context.Context, p *corev1.Pod, grace time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deleted = append(c.deleted, fmt.Sprintf("%s %s", p.Name, grace))
	return nil
}

func (c *cluster) FollowPod(context.Context, *corev1.Pod, func(*corev1.Pod) bool) error {
	return errors.New("pods are followed all together")
}

func (c *cluster) CopyLogs(_ context.Context, p *corev1.Pod, container string, _ kube.LogsFrom, w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s of %s\n", container, p.Name)
	return err
}

func (c *cluster) StartOfLog(context.Context, *corev1.Pod, string, int64) ([]byte, error) {
	return nil, nil
}

func (c *cluster) ReadLogs(context.Context, *corev1.Pod, string, kube.LogsFrom, io.Writer) error {
	return errors.New("no more changes")
}

func (c *cluster) CreateJob(_ context.Context, j *batchv1.Job) (*batchv1.Job, error) {
	c.made = j.DeepCopy()
	c.made.Name = "j"
	return c.made, c.createErr
}

func (c *cluster) DeleteJob(context.Context, *batchv1.Job) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deleted = append(c.deleted, "job")
	return c.deleteErr
}

func (c *cluster) FollowJob(ctx context.Context, _ *batchv1.Job, see func(*batchv1.Job) bool) error {
	c.mu.Lock()
	deleted := len(c.deleted) > 0
	c.mu.Unlock()
	if deleted {
		select {
		case <-time.After(c.removal):
		case <-ctx.Done():
			return ctx.Err()
		}
		see(nil)
		return nil
	}
	return c.each(ctx, func(s change) bool {
		return s.job == nil && !s.noJob || see(s.job)
	})
}

func (c *cluster) FollowPodsOf(ctx context.Context, _ *batchv1.Job, listed func(), see func(*corev1.Pod, bool) bool) error {
	if c.listErr != nil {
		return c.listErr
	}
	time.AfterFunc(c.listAfter, listed)
	return c.each(ctx, func(s change) bool {
		return s.pod == nil || see(s.pod.DeepCopy(), s.gone)
	})
}

func (c *cluster) FollowWarnings(ctx context.Context, _ *corev1.Pod, _ func(reason, message string)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (c *cluster) FollowRefusals(ctx context.Context, _ *batchv1.Job, see func(string) bool) error {
	return c.each(ctx, func(s change) bool { return s.refusal == "" || see(s.refusal) })
}

func (c *cluster) each(ctx context.Context, see func(change) bool) error {
	for _, s := range c.changes {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Second):
		}
		if !see(s) {
			return nil
		}
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// of returns a pod of that name whose container "main" is in a state. "side" runs, if there is one.
func of(name string, main corev1.ContainerState, side bool) change {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Annotations: map[string]string{}}}
	p.Spec.Containers = []corev1.Container{{Name: "main"}}
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", State: main}}
	if side {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "side"})
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{Name: "side", State: running()})
	}
	return change{pod: p}
}

func gone(c change) change {
	c.gone = true
	return c
}

// restarted is the pod after its container has failed and was restarted.
func restarted(c change) change {
	s := &c.pod.Status.ContainerStatuses[0]
	s.RestartCount, s.LastTerminationState = 1, exited(1)
	return c
}

// deleting is the pod while it is being deleted.
func deleting(c change, phase corev1.PodPhase) change {
	now, yes := metav1.Now(), true
	c.pod.DeletionTimestamp, c.pod.Status.Phase = &now, phase
	c.pod.OwnerReferences = []metav1.OwnerReference{{Kind: "Job", Controller: &yes}}
	return c
}

// failed is a pod whose main container has not exited: an init container failed, or the node ended the pod.
func failed(name, reason, init string) change {
	c := of(name, corev1.ContainerState{}, false)
	c.pod.Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: reason}
	if init != "" {
		c.pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: init, State: exited(3)}}
	}
	return c
}

func running() corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
}

func exited(code int32) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
}

func ended(condition batchv1.JobConditionType, reason string) change {
	j := &batchv1.Job{}
	j.Status.Conditions = []batchv1.JobCondition{{Type: condition, Status: corev1.ConditionTrue, Reason: reason, Message: "m"}}
	return change{job: j}
}

func TestRun(t *testing.T) {
	several := func(s *batchv1.JobSpec) { s.Completions, s.Parallelism = new(int32(2)), new(int32(2)) }
	retries := func(s *batchv1.JobSpec) { s.BackoffLimit = new(int32(1)) }
	policy := func(s *batchv1.JobSpec) { s.PodFailurePolicy = &batchv1.PodFailurePolicy{} }
	slow := func(s *batchv1.JobSpec) { s.Template.Spec.TerminationGracePeriodSeconds = new(int64(60)) }
	const again = "note container main: exit status 1; it may be restarted"
	restartsOnce := func(s *batchv1.JobSpec) {
		s.Template.Spec.RestartPolicy, s.BackoffLimit = corev1.RestartPolicyOnFailure, new(int32(1))
	}
	restarts := func(s *batchv1.JobSpec) {
		s.Template.Spec.RestartPolicy, s.BackoffLimit = corev1.RestartPolicyOnFailure, new(int32(3))
	}
	tests := []struct {
		name    string
		spec    func(*batchv1.JobSpec)
		cluster cluster
		cancel  time.Duration
		want    task.State
		code    int
		says    string
		prints  string
		deleted []string
		took    time.Duration
	}{
		{
			name: "success", cluster: cluster{changes: []change{of("a", running(), false), of("a", exited(0), false)}},
			want: task.Succeeded, prints: "main of a", deleted: []string{"job", "a 0s"}, took: 2 * time.Second,
		},
		{
			name: "a sidecar that never ends", cluster: cluster{changes: []change{of("a", running(), true), of("a", exited(3), true)}},
			want: task.Failed, code: 3, says: "ExitCode exit status 3", prints: "main main of a, side side of a", deleted: []string{"job", "a 1s"}, took: 2 * time.Second,
		},
		{
			name: "another pod after one that failed", spec: retries,
			cluster: cluster{changes: []change{of("a", exited(3), true), of("b", exited(0), false)}},
			want:    task.Succeeded, prints: "main main of a, side side of a, note pod a: exit status 3; the Job may try again, main of b",
			deleted: []string{"a 1s", "job", "a 1s", "b 0s"}, took: 2 * time.Second,
		},
		{
			name: "too many failed", spec: retries, cluster: cluster{changes: []change{of("a", exited(3), false), of("b", exited(4), false)}},
			want: task.Failed, code: 4, says: "ExitCode exit status 4, after 2 failed pods",
			prints: "main of a, note pod a: exit status 3; the Job may try again, main of b", deleted: []string{"job", "a 0s", "b 0s"}, took: 2 * time.Second,
		},
		{
			name: "several", spec: several, cluster: cluster{changes: []change{of("a", exited(0), false), of("b", exited(0), false)}},
			want: task.Succeeded, prints: "a main of a, b main of b", deleted: []string{"job", "a 0s", "b 0s"}, took: 2 * time.Second,
		},
		{
			name: "started again in its pod", spec: restarts,
			cluster: cluster{changes: []change{of("a", running(), false), of("a", exited(1), false), restarted(of("a", running(), false)), restarted(of("a", exited(0), false))}},
			want:    task.Succeeded, prints: "main of a, " + again + ", main of a", deleted: []string{"job", "a 0s"}, took: 4 * time.Second,
		},
		{
			name: "the Job's controller deletes the pod that was started again too often", spec: restartsOnce,
			cluster: cluster{changes: []change{of("a", running(), false), of("a", exited(1), false), restarted(of("a", running(), false)), gone(restarted(of("a", running(), false))), ended(batchv1.JobFailed, "BackoffLimitExceeded")}},
			want:    task.Failed, code: 1, says: "BackoffLimitExceeded exit status 1 (BackoffLimitExceeded)",
			prints: "main of a, " + again + ", main of a", deleted: []string{"job", "a 5s"}, took: 5 * time.Second,
		},
		{
			name: "the Job's controller has not deleted that pod yet", spec: restartsOnce,
			cluster: cluster{changes: []change{of("a", running(), false), of("a", exited(1), false), restarted(of("a", running(), false)), ended(batchv1.JobFailureTarget, "BackoffLimitExceeded"), deleting(restarted(of("a", exited(143), false)), corev1.PodFailed)}},
			want:    task.Failed, code: 1, says: "BackoffLimitExceeded exit status 1 (BackoffLimitExceeded)",
			prints: "main of a, " + again + ", main of a", deleted: []string{"job", "a 0s"}, took: 5 * time.Second,
		},
		{
			name: "another client deletes a pod that was not restarted often enough", spec: restarts,
			cluster: cluster{changes: []change{of("a", exited(1), false), restarted(of("a", running(), false)), gone(restarted(of("a", running(), false))), ended(batchv1.JobFailed, "BackoffLimitExceeded")}},
			want:    task.Unknown, says: "PodGone pod a was deleted by another client before its end was observed",
			prints: again + ", main of a, main of a", deleted: []string{"job", "a 5s"}, took: 4 * time.Second,
		},
		{
			name:    "its deadline ends a pod that heeds TERM well",
			cluster: cluster{changes: []change{of("a", running(), false), ended(batchv1.JobFailed, "DeadlineExceeded"), deleting(of("a", exited(0), false), corev1.PodSucceeded)}},
			want:    task.Failed, says: "DeadlineExceeded DeadlineExceeded: m", prints: "main of a", deleted: []string{"job", "a 0s"}, took: 3 * time.Second,
		},
		{
			name: "of several pods one fails, and the Job's controller deletes the other", spec: several,
			cluster: cluster{changes: []change{of("b", running(), false), of("a", running(), false), deleting(of("b", exited(143), false), corev1.PodFailed), of("a", exited(3), false)}},
			want:    task.Failed, code: 3, says: "ExitCode exit status 3", prints: "b main of b, a main of a", deleted: []string{"job", "b 0s", "a 0s"}, took: 4 * time.Second,
		},
		{
			name: "another pod after one whose init container failed", spec: retries,
			cluster: cluster{changes: []change{failed("a", "", "init"), of("b", exited(0), false)}},
			want:    task.Succeeded, prints: "init of a, note pod a: init container init: exit status 3; the Job may try again, main of b", deleted: []string{"job", "a 5s", "b 0s"}, took: 2 * time.Second,
		},
		{
			name: "another pod after one that was evicted", spec: retries,
			cluster: cluster{changes: []change{of("a", running(), false), failed("a", "Evicted", ""), of("b", exited(0), false)}},
			want:    task.Succeeded, prints: "main of a, note pod a: the pod failed: Evicted; the Job may try again, main of b", deleted: []string{"job", "a 5s", "b 0s"}, took: 3 * time.Second,
		},
		{
			name: "no other pod after one that was evicted", cluster: cluster{changes: []change{failed("a", "Evicted", "")}},
			want: task.Failed, says: "PodFailed the pod failed: Evicted", deleted: []string{"job", "a 5s"}, took: time.Second,
		},
		{
			name: "the Job is complete before its pods are listed", cluster: cluster{listAfter: 5 * time.Second, changes: []change{ended(batchv1.JobComplete, ""), {}, {}, of("a", exited(0), false)}},
			want: task.Succeeded, prints: "main of a", deleted: []string{"job", "a 0s"}, took: 4 * time.Second,
		},
		{
			name: "its pods may not be seen", cluster: cluster{listErr: errors.New("no right"), changes: []change{ended(batchv1.JobComplete, "")}},
			want: task.Succeeded, prints: "note the pods of Job j and their output cannot be read: no right", deleted: []string{"job"}, took: time.Second,
		},
		{
			name: "the Job says how it ended", spec: policy, cluster: cluster{changes: []change{of("a", exited(3), false), ended(batchv1.JobFailed, "PodFailurePolicy")}},
			want: task.Failed, code: 3, says: "PodFailurePolicy exit status 3 (PodFailurePolicy)",
			prints: "main of a, note pod a: exit status 3; the Job may try again", deleted: []string{"job", "a 0s"}, took: 2 * time.Second,
		},
		{
			name: "the Job's end comes before that of its pod", cluster: cluster{changes: []change{of("a", running(), false), ended(batchv1.JobComplete, ""), of("a", exited(0), false)}},
			want: task.Succeeded, prints: "main of a", deleted: []string{"job", "a 0s"}, took: 3 * time.Second,
		},
		{
			name: "the Job has ended, and of its pod nothing comes", cluster: cluster{changes: []change{of("a", running(), false), ended(batchv1.JobFailed, "DeadlineExceeded")}},
			want: task.Failed, says: "DeadlineExceeded DeadlineExceeded: m",
			prints: "main of a", deleted: []string{"job", "a 5s"}, took: 5 * time.Second,
		},
		{
			name: "a pod that another client deleted, and no other", cluster: cluster{changes: []change{of("a", running(), false), gone(of("a", running(), false)), ended(batchv1.JobFailed, "BackoffLimitExceeded")}},
			want: task.Unknown, says: "PodGone pod a was deleted by another client before its end was observed", prints: "main of a", deleted: []string{"job", "a 5s"}, took: 3 * time.Second,
		},
		{
			name: "the Job is deleted by another client", cluster: cluster{changes: []change{of("a", running(), false), {noJob: true}}},
			want: task.Unknown, says: "JobGone Job j was deleted by another client before its end was observed", prints: "main of a", deleted: []string{"job", "a 5s"}, took: 2 * time.Second,
		},
		{
			name: "suspended, then cancelled", cluster: cluster{changes: []change{{job: &batchv1.Job{Spec: batchv1.JobSpec{Suspend: new(true)}}}}}, cancel: 4 * time.Second,
			want: task.Cancelled, says: "Cancelled stop", prints: "note the Job is suspended: it waits for another client, such as a queue, to resume it", deleted: []string{"job"}, took: 4 * time.Second,
		},
		{
			name: "cancelled, while its pod has the grace of its own", spec: slow, cancel: 2500 * time.Millisecond,
			cluster: cluster{changes: []change{of("a", running(), false)}, removal: time.Minute},
			want:    task.Cancelled, says: "Cancelled stop", prints: "main of a", deleted: []string{"job", "a 5s"}, took: 62500 * time.Millisecond,
		},
		{
			name: "cancelled, and it is never gone", cancel: time.Second, cluster: cluster{removal: time.Hour},
			want: task.Unknown, says: `NotStopped the Job j in namespace "ns" could not be deleted: context deadline exceeded; to delete it, run: kubectl delete job j -n ns`, deleted: []string{"job"}, took: time.Minute + time.Second,
		},
		{
			name: "cancelled, and cannot be deleted", cluster: cluster{deleteErr: errors.New("no right")}, cancel: time.Second,
			want: task.Unknown, says: `NotStopped the Job j in namespace "ns" could not be deleted: no right; to delete it, run: kubectl delete job j -n ns`, deleted: []string{"job"}, took: time.Second,
		},
		{
			name: "no pod can be made", cluster: cluster{changes: []change{{refusal: "quota"}, {refusal: "quota"}}},
			want: task.Failed, says: "PodNotCreated no pod can be created: quota", prints: "note no pod can be created: quota", deleted: []string{"job"}, took: 16 * time.Second,
		},
		{
			name: "a pod can be made after all", cluster: cluster{changes: []change{{refusal: "quota"}, of("a", running(), false), of("a", exited(0), false)}},
			want: task.Succeeded, prints: "note no pod can be created: quota, main of a", deleted: []string{"job", "a 0s"}, took: 3 * time.Second,
		},
		{name: "refused", cluster: cluster{createErr: errors.New("quota")}, want: task.Failed, says: "NotCreated the Job cannot be created: quota"},
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
					stream := ""
					if o.Stream == task.Note {
						stream = "note "
					}
					printed = append(printed, strings.TrimSpace(o.Target+" "+stream+strings.TrimSpace(string(o.Data))))
				}
				executor := task.Job{}
				executor.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "i"}}
				if tt.spec != nil {
					tt.spec(&executor.Spec)
				}
				began := time.Now()
				r := Runner{Cluster: &tt.cluster, Pods: pod.Runner{Cluster: &tt.cluster, Namespace: "ns", Release: "web", Grace: 5 * time.Second, StuckTimeout: 15 * time.Second}}
				result := r.Run(ctx, task.Task{Name: "t", Executor: executor}, sink)
				result.Tidy()
				if got := strings.TrimSpace(result.Reason + " " + result.Message); result.State != tt.want || got != tt.says {
					t.Errorf("%s %q, want %s %q", result.State, got, tt.want, tt.says)
				}
				for _, target := range result.Targets {
					if result.State == task.Failed && target.State == task.Unknown {
						t.Errorf("the Job failed, and of pod %s: %s", target.Pod, target.Message)
					}
				}
				if tt.code != 0 && (result.ExitCode == nil || *result.ExitCode != tt.code) {
					t.Errorf("exit code %v, want %d", result.ExitCode, tt.code)
				}
				if got := strings.Join(printed, ", "); got != tt.prints && !strings.Contains(tt.prints, "side") {
					t.Errorf("printed %q, want %q", got, tt.prints)
				}
				if diff := cmp.Diff(tt.deleted, tt.cluster.deleted); diff != "" {
					t.Errorf("deleted (-want +got):\n%s", diff)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
			})
		})
	}
}

func TestBuild(t *testing.T) {
	c := &cluster{}
	r := Runner{Cluster: c, Pods: pod.Runner{Cluster: c, Namespace: "ns", Release: "web"}}
	j := task.Job{Labels: map[string]string{"kueue.x-k8s.io/queue-name": "q"}}
	j.Spec.Template.Labels = map[string]string{"mine": "1"}
	j.Spec.Template.Spec.Containers = []corev1.Container{{Name: "a"}}
	made := r.build(t.Context(), task.Task{Name: "t", Policy: task.Policy{Timeout: time.Minute}}, j)
	if got := *made.Spec.ActiveDeadlineSeconds; got != 90 || made.Spec.Template.Spec.ActiveDeadlineSeconds != nil {
		t.Errorf("deadline %d, want 90, of the Job", got)
	}
	if *made.Spec.BackoffLimit != 0 || *made.Spec.TTLSecondsAfterFinished != 3600 || made.Spec.Template.Spec.RestartPolicy != corev1.RestartPolicyNever {
		t.Errorf("%+v", made.Spec)
	}
	if made.Labels["kueue.x-k8s.io/queue-name"] != "q" || made.Spec.Template.Labels["mine"] != "1" || made.Spec.Template.Labels["kubectl-tasks.io/release"] != "web" {
		t.Errorf("labels %v and %v", made.Labels, made.Spec.Template.Labels)
	}
}
