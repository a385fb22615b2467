//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	kubeexec "github.com/kubectl-tasks/kubectl-tasks/pkg/kube/exec"
	"github.com/kubectl-tasks/kubectl-tasks/test/script"
)

// program is the program as a process of its own, so that signals reach it.
type program struct {
	t   *testing.T
	cmd *exec.Cmd

	mu  sync.Mutex
	log bytes.Buffer
}

// start starts the program in dir. Its temporary files are under dir/tmp.
func start(t *testing.T, dir, kubeconfig string, args ...string) *program {
	t.Helper()
	tmp := filepath.Join(dir, "tmp")
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, cmd: exec.CommandContext(t.Context(), "kubectl-tasks", args...)}
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "GORACE="+script.Race, "TMPDIR="+tmp)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *program) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// says waits until the program has written the text.
func (p *program) says(text string) {
	p.t.Helper()
	defer func() {
		if p.t.Failed() {
			p.t.Log(p.output())
		}
	}()
	wait(p.t, "the program says "+text, func() bool { return strings.Contains(p.output(), text) })
}

func (p *program) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// ends waits for the end, which must have this exit code and leave no temporary file.
func (p *program) ends(code int) {
	p.t.Helper()
	err := p.cmd.Wait()
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		p.t.Fatal(err)
	}
	if got != code {
		p.t.Errorf("exit code %d, want %d\n%s", got, code, p.output())
	}
	left, err := os.ReadDir(filepath.Join(p.cmd.Dir, "tmp"))
	if err != nil || len(left) > 0 {
		p.t.Errorf("left in the temporary directory: %v %v", left, err)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestInterruptTask: Ctrl-C ends the program in the pod; Helm had finished before.
func TestInterruptTask(t *testing.T) {
	dir, ns := t.TempDir(), namespace(t, client(t), "interrupt")
	write(t, dir, "tasks.toml", "[post-deploy]\nslow = \"sleep 54321\"\nnever = \"echo never\"\n")
	p := start(t, dir, required(t, "KUBECONFIG"), "install", "web", filepath.Join(rootDir, "examples/web"), "-n", ns, "-t", "tasks.toml", "--set", "replicas=1")
	p.says("post-deploy/slow: sleep")
	pod := web(t, ns)
	wait(t, "the task runs", func() bool { out, _ := pod.sh("ps"); return strings.Contains(out, "sleep 54321") })
	p.signal(os.Interrupt)
	p.ends(130)
	for _, want := range []string{"post-deploy/slow: CANCELLED", "post-deploy/never: not run", "Error: stopped by interrupt", "nothing was rolled back"} {
		if !strings.Contains(p.output(), want) {
			t.Errorf("%q is missing in:\n%s", want, p.output())
		}
	}
	wait(t, "the process in the pod is gone", func() bool { out, _ := pod.sh("ps"); return !strings.Contains(out, "sleep 54321") })
	if out := helm(t, "HELM3", "status", "web", "-n", ns); !strings.Contains(out, "STATUS: deployed") {
		t.Error(out)
	}
}

// web returns the container of the only pod of examples/web.
func web(t *testing.T, ns string) *place {
	t.Helper()
	pods, err := client(t).CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) != 1 {
		t.Fatalf("%d pods, error %v", len(pods.Items), err)
	}
	return &place{t: t, client: kubeexec.Executor{Client: newClient(nil)}, ns: ns, pod: pods.Items[0].Name, container: "httpd"}
}

// TestInterruptHelm: Ctrl-C while Helm waits lets Helm write that the release failed.
func TestInterruptHelm(t *testing.T) {
	dir, ns := t.TempDir(), namespace(t, client(t), "interrupt")
	write(t, dir, "tasks.toml", "[pre-up]\nfirst = \"echo first\"\n[post-deploy]\nnever = \"echo never\"\n")
	p := start(t, dir, required(t, "KUBECONFIG"), "install", "web", filepath.Join(rootDir, "examples/web"), "-n", ns, "-t", "tasks.toml", "--wait", "--set", "image=no-such-image:test")
	p.says("| first")
	wait(t, "Helm waits", func() bool {
		pods, err := client(t).CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
		return err == nil && len(pods.Items) == 2
	})
	p.signal(os.Interrupt)
	p.ends(130)
	out := helm(t, "HELM3", "list", "-a", "-n", ns)
	if !strings.Contains(out, "failed") {
		t.Errorf("Helm says:\n%s\nthe program said:\n%s", out, p.output())
	}
}

// TestInterruptPod: Ctrl-C takes the pod of a task away.
func TestInterruptPod(t *testing.T) {
	dir, cluster := t.TempDir(), client(t)
	ns := namespace(t, cluster, "interrupt")
	write(t, dir, "tasks.yaml", "apiVersion: kubectl-tasks.io/v1alpha1\nkind: Tasks\ntasks:\n- name: slow\n  pod: {image: \"busybox:test\", shell: \"trap 'exit 0' TERM; echo started; sleep 100000 & wait\"}\n")
	p := start(t, dir, required(t, "KUBECONFIG"), "run", "slow", "-n", ns)
	p.says("started")
	p.signal(os.Interrupt)
	p.ends(130)
	if !strings.Contains(p.output(), "slow: CANCELLED") {
		t.Error(p.output())
	}
	if pods, err := cluster.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{}); err != nil || len(pods.Items) > 0 {
		t.Errorf("%d pods are left, error %v", len(pods.Items), err)
	}
}

// TestTerminate: TERM ends tasks on this machine too, with its own exit code.
func TestTerminate(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, ".draft-tasks.toml", "[pre-up]\nslow = \"sleep 54322\"\n")
	p := start(t, dir, required(t, "KUBECONFIG"), "run", "--phase", "pre-up", "-o", "json")
	p.says("pre-up/slow: sleep")
	p.signal(syscall.SIGTERM)
	p.ends(143)
	if !strings.Contains(p.output(), `"status": "Cancelled"`) {
		t.Error(p.output())
	}
}

// TestSecondSignal: the second signal does not wait for a task that heeds none.
func TestSecondSignal(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "stubborn", "trap '' TERM\necho ready\nwhile :; do sleep 1; done\n")
	write(t, dir, ".draft-tasks.toml", "[pre-up]\na = \"sh stubborn\"\nb = \"true\"\n")
	p := start(t, dir, required(t, "KUBECONFIG"), "run", "--phase", "pre-up")
	p.says("| ready")
	p.signal(os.Interrupt)
	p.says("a second signal exits immediately")
	p.signal(os.Interrupt)
	p.ends(130)
	if !strings.Contains(p.output(), "exited immediately:") {
		t.Error(p.output())
	}
	// No process or object of the test may outlive it.
	_ = exec.Command("pkill", "-f", "sh stubborn").Run()
}

// TestLostConnection: when the connection breaks and the container has no trace of the program, nobody knows
// how the task ended: exit code 5.
func TestLostConnection(t *testing.T) {
	dir, ns := t.TempDir(), namespace(t, client(t), "lost")
	f, server := newFront(t)
	config, err := clientcmd.LoadFromFile(required(t, "KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range config.Clusters {
		c.Server, c.TLSServerName = f.url(), server.Hostname()
	}
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*config, kubeconfig); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "tasks.toml", "[post-deploy]\nslow = \"sleep 54323\"\n")
	p := start(t, dir, kubeconfig, "install", "web", filepath.Join(rootDir, "examples/web"), "-n", ns, "-t", "tasks.toml", "--set", "replicas=1")
	p.says("post-deploy/slow: sleep")
	pod := web(t, ns)
	wait(t, "the task runs", func() bool { out, _ := pod.sh("ps"); return strings.Contains(out, "sleep 54323") })
	_, _ = pod.sh("rm -rf /tmp/kubectl-tasks-*") // its own traces among them
	f.cut()
	p.ends(5)
	if !strings.Contains(p.output(), "post-deploy/slow: UNKNOWN") {
		t.Error(p.output())
	}
}
