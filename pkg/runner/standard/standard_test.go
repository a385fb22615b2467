package standard

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/clone"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestEntrypoint: the shell runs the command with and without Lagoon's entrypoint, and the container's termination message
// says when it has none.
func TestEntrypoint(t *testing.T) {
	dir := t.TempDir()
	messages := filepath.Join(dir, "it's a log")
	argv := withEntrypointIfThere([]string{"/bin/sh", "-c", `echo "$0 $#"; exit 3`}, messages)
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 3 || string(out) != "/bin/sh 0\n" {
		t.Errorf("%q, %v", out, err)
	}
	if said, err := os.ReadFile(messages); err != nil || string(said) != noEntrypoint {
		t.Errorf("%q, %v", said, err)
	}
	// Without a path for the message, the command runs as well, and nothing is printed.
	argv = withEntrypointIfThere([]string{"/bin/sh", "-c", "echo x"}, dir+"/none/log")
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil || string(out) != "x\n" {
		t.Errorf("%q, %v", out, err)
	}
	if diff := cmp.Diff([]string{"/sbin/tini", "--", "/lagoon/entrypoints.sh", "/bin/sh", "-c", "x"}, withEntrypoint([]string{"/bin/sh", "-c", "x"})); diff != "" {
		t.Error(diff)
	}
}

func TestTell(t *testing.T) {
	probe := &corev1.Probe{}
	one := corev1.Container{Name: "one", Args: []string{"x"}}
	two := corev1.Container{Name: "two", LivenessProbe: probe}
	tests := []struct {
		name       string
		containers []corev1.Container
		standard   task.Standard
		want       []string
	}{
		{name: "nothing to say", containers: []corev1.Container{{Name: "one"}}},
		{
			name: "of the container that counts", containers: []corev1.Container{one, two},
			want: []string{
				"the arguments of container one are omitted: they would be passed to the command",
				"pod has 2 containers (one, two); the command runs in one; Lagoon, and --lagoon-compat, run it in each",
			},
		},
		{
			name: "of all when all count", containers: []corev1.Container{one, two}, standard: task.Standard{Compat: true},
			want: []string{"the arguments of container one are omitted: they would be passed to the command", "the probes of container two are omitted: one of them could stop a long task"},
		},
		{
			name: "a variable that only Lagoon has", containers: []corev1.Container{{Name: "one"}}, standard: task.Standard{Command: task.Command{Text: "ssh -p $TASK_SSH_PORT"}},
			want: []string{"no Lagoon API in this cluster: TASK_SSH_PORT is empty; --var sets it"},
		},
		{
			name: "unless it is given", containers: []corev1.Container{{Name: "one"}},
			standard: task.Standard{Command: task.Command{Text: "ssh -p $TASK_SSH_PORT"}, Env: []corev1.EnvVar{{Name: "TASK_SSH_PORT", Value: "22"}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			template := &workload.Template{}
			template.Spec.Containers = tt.containers
			var said []string
			noteDifferences(template, "one", tt.standard, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
			if diff := cmp.Diff(tt.want, said); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

type noCluster struct{ err error }

func (c noCluster) FindWorkload(context.Context, string, string, string, string) (string, error) {
	return "deployment/x", c.err
}

func (c noCluster) PodTemplate(context.Context, string, string) (*workload.Template, error) {
	return nil, errors.New("no template")
}

func TestFailures(t *testing.T) {
	standard := task.Task{Executor: task.Standard{Service: "x"}}
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stop"))
	tests := []struct {
		name string
		ctx  context.Context
		err  error
		task task.Task
		want string
	}{
		{"no workload", t.Context(), &workload.NoWorkloadError{Namespace: "ns", Service: "x"}, standard, `Failed no deployment for service "x" in namespace "ns"`},
		{"no template", t.Context(), nil, standard, "Failed no template"},
		{"cancelled", cancelled, nil, standard, "Cancelled stop"},
		{"another executor", t.Context(), nil, task.Task{Executor: task.Host{}}, "Failed task.Host is not a standard task"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Runner{Cluster: noCluster{tt.err}, Clones: clone.Runner{}}
			result := r.Run(tt.ctx, tt.task, func(task.Output) {})
			if got := string(result.State) + " " + result.Message; got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}
