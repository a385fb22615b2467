package service

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
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	kubeexec "github.com/kubectl-tasks/kubectl-tasks/pkg/kube/exec"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/exec"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// cluster is a fake for faults that a real cluster does not have on demand. Its workloads are Deployments
// with a number of replicas; each pod is ready after a second.
type cluster struct {
	replicas map[string]int64
	idle     []appsv1.Deployment
	idleErr  error
	scaleErr error
	// never are workloads whose pods do not become ready.
	never []string
	pod   corev1.Pod

	mu  sync.Mutex
	did []string
}

func (c *cluster) of(name string) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.replicas[name]
}

func (c *cluster) ScaledToZero(_ context.Context, _, target string) (bool, error) {
	return c.of(strings.TrimPrefix(target, "deployment/")) == 0, nil
}

func (c *cluster) WaitObject(ctx context.Context, namespace, target string, _ ready.Options) error {
	return c.AwaitOneReady(ctx, namespace, target)
}

func (c *cluster) FindWorkload(_ context.Context, namespace, _, service, label string) (string, error) {
	if label != task.ServiceLabel {
		return "", fmt.Errorf("label %s", label)
	}
	if _, ok := c.replicas[service]; !ok {
		return "", &workload.NoWorkloadError{Namespace: namespace, Service: service}
	}
	return "deployment/" + service, nil
}

func (c *cluster) TargetPods(_ context.Context, _, target string, _ workload.Choice) ([]corev1.Pod, error) {
	name := strings.TrimPrefix(target, "deployment/")
	switch {
	case c.replicas[name] == 0:
		return nil, &workload.NoPodsError{Of: target, Why: "it is scaled to zero", ScaledToZero: true}
	case slices.Contains(c.never, name):
		return nil, &workload.NoPodsError{Of: target, Why: "pod x: pending", Unready: true}
	}
	return []corev1.Pod{c.pod}, nil
}

func (c *cluster) AwaitOneReady(ctx context.Context, _, target string) error {
	if slices.Contains(c.never, strings.TrimPrefix(target, "deployment/")) {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	<-time.After(time.Second)
	return nil
}

func (c *cluster) ListScaledToZero(context.Context, string, string) ([]appsv1.Deployment, error) {
	return c.idle, c.idleErr
}

func (c *cluster) Scale(_ context.Context, _, target string, from, to int64) error {
	if c.scaleErr != nil {
		return c.scaleErr
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	name := strings.TrimPrefix(target, "deployment/")
	if c.replicas[name] != from {
		return fmt.Errorf("scaling %s: another client has scaled it to %d", target, c.replicas[name])
	}
	c.replicas[name] = to
	c.did = append(c.did, fmt.Sprintf("%s %d→%d", target, from, to))
	return nil
}

func (c *cluster) WorkloadUID(context.Context, string, string) (string, error) { return "uid", nil }

func (c *cluster) ScaleBack(ctx context.Context, namespace, target, _ string, from int64) error {
	return c.Scale(ctx, namespace, target, from, 0)
}

func (c *cluster) Reattach(context.Context, kubeexec.Request, time.Duration) (int, error) {
	return 0, errors.New("nothing is left to continue with")
}

func (c *cluster) Exec(_ context.Context, req kubeexec.Request, _ time.Duration) (int, error) {
	c.did = append(c.did, fmt.Sprintf("exec %s/%s %s", req.Pod, req.Container, strings.Join(req.Command, " ")))
	return 0, nil
}

func pod(annotation string, containers ...string) corev1.Pod {
	p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}}
	if annotation != "" {
		p.Annotations = map[string]string{"kubectl.kubernetes.io/default-container": annotation}
	}
	for _, c := range containers {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: c})
	}
	return p
}

func TestRun(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "deployments/scale"}, "cli", errors.New("no right"))
	service := task.Service{Name: "cli", Patience: 10 * time.Second}
	with := func(change func(*task.Service)) task.Service {
		s := service
		change(&s)
		return s
	}
	tests := []struct {
		name       string
		service    task.Service
		cluster    cluster
		installing bool
		want       task.State
		says       string // a part of the message
		did        []string
		notes      []string
		took       time.Duration
	}{
		{name: "it runs", service: service, cluster: cluster{replicas: map[string]int64{"cli": 1}, pod: pod("", "c")}, want: task.Succeeded, did: []string{"exec p/c x"}},
		{name: "a container", service: with(func(s *task.Service) { s.Container = "b" }), cluster: cluster{replicas: map[string]int64{"cli": 1}, pod: pod("", "a", "b")}, want: task.Succeeded, did: []string{"exec p/b x"}},
		{name: "which container", service: service, cluster: cluster{replicas: map[string]int64{"cli": 1}, pod: pod("", "a", "b")}, want: task.Failed, says: `pod p has containers a, b: set "container"`},
		{
			name: "the default container", service: service, cluster: cluster{replicas: map[string]int64{"cli": 1}, pod: pod("b", "a", "b")}, want: task.Succeeded, did: []string{"exec p/b x"},
			notes: []string{"pod p has containers a, b: running in b, its default container; Lagoon fails here"},
		},
		{name: "no such workload", service: service, want: task.Failed, says: `no deployment for service "cli" in namespace "ns"`},
		{name: "no such workload, and it is optional", service: with(func(s *task.Service) { s.Optional = true }), want: task.Skipped, says: `no running deployment for service "cli"`},
		{name: "at a first install", service: with(func(s *task.Service) { s.Optional = true }), installing: true, want: task.Skipped, says: `no running deployment for service "cli" (first install)`},
		{
			name: "asleep", service: service, cluster: cluster{replicas: map[string]int64{"cli": 0}, pod: pod("", "c")}, want: task.Succeeded, took: time.Second,
			did: []string{"deployment/cli 0→1", "exec p/c x", "deployment/cli 1→0"}, notes: []string{"deployment/cli is scaled to zero: scaling it to 1", "deployment/cli is scaled to zero again"},
		},
		{
			name: "asleep, and may not be woken", service: service, cluster: cluster{replicas: map[string]int64{"cli": 0}, scaleErr: forbidden}, want: task.Failed,
			says: "cannot scale deployment/cli to run the task: forbidden", notes: []string{"deployment/cli is scaled to zero: scaling it to 1"},
		},
		{
			name: "never ready", service: service, cluster: cluster{replicas: map[string]int64{"cli": 1}, never: []string{"cli"}}, want: task.Failed, took: 10 * time.Second,
			says: "no pod of deployment/cli was ready after 10s: no ready pod of deployment/cli: pod x: pending", notes: []string{"no ready pod of deployment/cli: pod x: pending; waiting for it"},
		},
		{
			name: "an idle environment", service: with(func(s *task.Service) { s.Unidle = true }),
			cluster: cluster{replicas: map[string]int64{"cli": 0, "web": 0}, idle: []appsv1.Deployment{idle("cli", "2"), idle("web", "1")}, pod: pod("", "c")},
			want:    task.Succeeded, took: 2 * time.Second,
			did:   []string{"deployment/cli 0→2", "deployment/web 0→1", "exec p/c x", "deployment/web 1→0", "deployment/cli 2→0"},
			notes: []string{"deployment/cli is idle: scaling it to 2", "deployment/web is idle: scaling it to 1", "deployment/web is scaled to zero again", "deployment/cli is scaled to zero again"},
		},
		{
			name: "what does not wake in time is no failure", service: with(func(s *task.Service) { s.Unidle = true }),
			cluster: cluster{replicas: map[string]int64{"cli": 1, "web": 0}, idle: []appsv1.Deployment{idle("web", "1")}, never: []string{"web"}, pod: pod("", "c")},
			want:    task.Succeeded, took: 10 * time.Second,
			did: []string{"deployment/web 0→1", "exec p/c x", "deployment/web 1→0"},
			notes: []string{
				"deployment/web is idle: scaling it to 1",
				"scaling up the environment: no pod of deployment/web was ready after 10s: no ready pod of deployment/web: pod x: pending; continuing, because requiresEnvironment is not true",
				"deployment/web is scaled to zero again",
			},
		},
		{
			name: "unless the task requires it", service: with(func(s *task.Service) { s.Unidle, s.UnidleOrFail = true, true }),
			cluster: cluster{replicas: map[string]int64{"cli": 1, "web": 0}, idle: []appsv1.Deployment{idle("web", "1")}, never: []string{"web"}},
			want:    task.Failed, took: 10 * time.Second, says: "scaling up the environment: no pod of deployment/web was ready after 10s",
			did: []string{"deployment/web 0→1", "deployment/web 1→0"}, notes: []string{"deployment/web is idle: scaling it to 1", "deployment/web is scaled to zero again"},
		},
		{
			name: "what is idle cannot be seen", service: with(func(s *task.Service) { s.Unidle = true }), cluster: cluster{replicas: map[string]int64{"cli": 1}, idleErr: errors.New("forbidden"), pod: pod("", "c")},
			want: task.Succeeded, did: []string{"exec p/c x"}, notes: []string{"scaling up the environment: forbidden; continuing, because requiresEnvironment is not true"},
		},
	}
	for i := range tests {
		tt := &tests[i]
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var notes []string
				sink := func(o task.Output) {
					if o.Stream == task.Note {
						notes = append(notes, strings.TrimSpace(string(o.Data)))
					}
				}
				scaled := &ScaledUp{Cluster: &tt.cluster}
				r := Runner{
					Cluster: &tt.cluster, Namespace: "ns", Installing: tt.installing, ScaledUp: scaled,
					Exec: exec.Runner{Client: &tt.cluster, PodDeleted: func(context.Context, *corev1.Pod) bool { return false }},
				}
				tt.service.Command = task.Command{Argv: []string{"x"}}
				began := time.Now()
				result := r.Run(t.Context(), task.Task{Name: "t", Executor: tt.service}, sink)
				if took := time.Since(began); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
				scaled.ScaleDown(t.Context(), func(text string) { notes = append(notes, text) })
				if result.State != tt.want || !strings.Contains(result.Message, tt.says) {
					t.Errorf("%s %s, want %s %s", result.State, result.Message, tt.want, tt.says)
				}
				if diff := cmp.Diff(tt.did, tt.cluster.did); diff != "" {
					t.Errorf("did (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.notes, notes); diff != "" {
					t.Errorf("notes (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestScaleDown: a workload that another client has scaled since is left alone, with a note.
func TestScaleDown(t *testing.T) {
	c := &cluster{replicas: map[string]int64{"cli": 3}}
	scaled := &ScaledUp{Cluster: c}
	scaled.Add("deployment/cli", "uid", 1)
	var said []string
	scaled.ScaleDown(t.Context(), func(text string) { said = append(said, text) })
	if diff := cmp.Diff([]string{"scaling deployment/cli: another client has scaled it to 3; it is not scaled to zero"}, said); diff != "" || len(c.did) > 0 {
		t.Error(diff, c.did)
	}
	scaled.ScaleDown(t.Context(), func(string) { t.Error("it is restored once") })
}

// TestScaleUp: BeforeUp is called before a workload is scaled up, and AfterDown when that fails; an error of BeforeUp
// prevents it.
func TestScaleUp(t *testing.T) {
	for target, want := range map[string][]string{
		"untold": {"deployment/untold is going to have 2"},
		"broken": {"deployment/broken is going to have 2", "deployment/broken is back"},
		"good":   {"deployment/good is going to have 2", "deployment/good 0→2"},
	} {
		c := &cluster{replicas: map[string]int64{target: 0}}
		if target == "broken" {
			c.scaleErr = errors.New("forbidden")
		}
		scaled := &ScaledUp{
			Cluster: c,
			BeforeUp: func(name, _ string, replicas int64) error {
				c.did = append(c.did, fmt.Sprintf("%s is going to have %d", name, replicas))
				if target == "untold" {
					return errors.New("no place")
				}
				return nil
			},
			AfterDown: func(name string) { c.did = append(c.did, name+" is back") },
		}
		if err := scaled.Use("deployment/"+target).ScaleUpUntilEnd(t.Context(), 2); (err == nil) != (target == "good") {
			t.Errorf("%s: %v", target, err)
		}
		if diff := cmp.Diff(want, c.did); diff != "" {
			t.Error(diff)
		}
	}
}

// TestUsers: a workload is scaled up once for several tasks, and down after the last one; not while a task uses it that
// did not scale it up, and not before ScaleDown when a task of a service uses it.
func TestUsers(t *testing.T) {
	const web = "deployment/web"
	silent := func(string) {}
	for name, tt := range map[string]struct {
		use  func(t *testing.T, a *ScaledUp, c *cluster)
		want []string
	}{
		"two at once": {func(t *testing.T, a *ScaledUp, c *cluster) {
			t.Helper()
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() {
					use := a.Use(web)
					if up, err := use.ScaleUp(t.Context(), silent); !up || err != nil || c.of("web") != 1 {
						t.Errorf("scaled up %v, error %v, replicas %d", up, err, c.of("web"))
					}
					<-time.After(time.Second)
					if c.of("web") != 1 {
						t.Error("it is scaled away")
					}
					use.Done(t.Context(), silent)
				})
			}
			both.Wait()
		}, []string{"deployment/web 0→1", "deployment/web 1→0"}},
		"one after another": {func(t *testing.T, a *ScaledUp, _ *cluster) {
			t.Helper()
			for range 2 {
				use := a.Use(web)
				if _, err := use.ScaleUp(t.Context(), silent); err != nil {
					t.Error(err)
				}
				use.Done(t.Context(), silent)
			}
		}, []string{"deployment/web 0→1", "deployment/web 1→0", "deployment/web 0→1", "deployment/web 1→0"}},
		"one that did not wake it": {func(t *testing.T, a *ScaledUp, c *cluster) {
			t.Helper()
			first, second := a.Use(web), a.Use(web)
			_, _ = first.ScaleUp(t.Context(), silent)
			first.Done(t.Context(), silent)
			if c.of("web") != 1 {
				t.Error("it is scaled away")
			}
			second.Done(t.Context(), silent)
		}, []string{"deployment/web 0→1", "deployment/web 1→0"}},
		"a service": {func(t *testing.T, a *ScaledUp, c *cluster) {
			t.Helper()
			first, service := a.Use(web), a.Use(web)
			_, _ = first.ScaleUp(t.Context(), silent)
			if err := service.ScaleUpUntilEnd(t.Context(), 1); err != nil {
				t.Error(err)
			}
			service.Done(t.Context(), silent)
			first.Done(t.Context(), silent)
			if c.of("web") != 1 {
				t.Error("it is scaled away")
			}
		}, []string{"deployment/web 0→1", "deployment/web 1→0"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &cluster{replicas: map[string]int64{"web": 0}}
				a := &ScaledUp{Cluster: c}
				tt.use(t, a, c)
				a.ScaleDown(t.Context(), silent)
				if diff := cmp.Diff(tt.want, c.did); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// idle returns a Deployment that the idler has scaled to zero.
func idle(name, replicas string) appsv1.Deployment {
	return appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{idledFrom: replicas}}}
}
