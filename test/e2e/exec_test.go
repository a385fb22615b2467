//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	kubeexec "github.com/kubectl-tasks/kubectl-tasks/pkg/kube/exec"
)

const grace = 3 * time.Second

// runPod starts a pod that does nothing and waits until it runs.
func runPod(t *testing.T, c kubernetes.Interface, ns string, change ...func(*corev1.Pod)) string {
	t.Helper()
	none := int64(0)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "exec-"},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: &none,
			Containers:                    []corev1.Container{{Name: "app", Image: testImage, Command: []string{"/bin/sleep", "100000"}}},
		},
	}
	for _, f := range change {
		f(pod)
	}
	pod, err := c.CoreV1().Pods(ns).Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "the pod runs", func() bool {
		p, err := c.CoreV1().Pods(ns).Get(t.Context(), pod.Name, metav1.GetOptions{})
		return err == nil && p.Status.Phase == corev1.PodRunning
	})
	return pod.Name
}

// wait fails the test when the condition does not hold in a minute.
func wait(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func newClient(change func(*rest.Config)) *kube.Client {
	flags := genericclioptions.NewConfigFlags(true)
	flags.WrapConfigFn = func(c *rest.Config) *rest.Config {
		if change != nil {
			change(c)
		}
		return c
	}
	return kube.NewClient(flags)
}

// place is a container to run programs in.
type place struct {
	t         *testing.T
	client    kubeexec.Executor
	ns, pod   string
	container string
	out, errs bytes.Buffer
}

func (p *place) request(command ...string) kubeexec.Request {
	p.out.Reset()
	p.errs.Reset()
	return kubeexec.Request{Namespace: p.ns, Pod: p.pod, Container: p.container, Command: command, Stdout: &p.out, Stderr: &p.errs}
}

func (p *place) sh(script string) (string, int) {
	p.t.Helper()
	code, err := p.client.Exec(p.t.Context(), p.request("sh", "-c", script), grace)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.out.String(), code
}

func newPlace(t *testing.T, change ...func(*corev1.Pod)) *place {
	t.Helper()
	c := client(t)
	ns := namespace(t, c, "exec")
	return &place{t: t, client: kubeexec.Executor{Client: newClient(nil)}, ns: ns, pod: runPod(t, c, ns, change...), container: "app"}
}

func TestExecEndings(t *testing.T) {
	p := newPlace(t)
	tests := []struct {
		name    string
		command []string
		code    int
		stdout  string
		stderr  string
	}{
		{"success", []string{"echo", "a  b", "$HOME"}, 0, "a  b $HOME\n", ""},
		{"arguments arrive as they are", []string{"printf", "[%s]", "", " ", "'\"\\", "\n", "-n"}, 0, "[][ ]['\"\\][\n][-n]", ""},
		{"exit code", []string{"sh", "-c", "echo o; echo e >&2; exit 42"}, 42, "o\n", "e\n"},
		{"killed", []string{"sh", "-c", "kill -9 $$"}, 137, "", ""},
		{"binary, no final newline", []string{"printf", `\000\377\033[0m`}, 0, "\x00\xff\x1b[0m", ""},
		{"no such program", []string{"no-such-program"}, 127, "", "sh: exec: line 9: no-such-program: not found\n"},
		{"environment", []string{"sh", "-c", "echo $HOME $PWD"}, 0, "/root /\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, err := p.client.Exec(t.Context(), p.request(tt.command...), grace)
			if err != nil || code != tt.code {
				t.Errorf("code %d, error %v; want %d", code, err, tt.code)
			}
			if p.out.String() != tt.stdout || p.errs.String() != tt.stderr {
				t.Errorf("printed %q and %q, want %q and %q", &p.out, &p.errs, tt.stdout, tt.stderr)
			}
		})
	}
	t.Run("no such pod", func(t *testing.T) {
		request := p.request("true")
		request.Pod = "none"
		_, err := p.client.Exec(t.Context(), request, grace)
		if refused := (*kubeexec.RefusedError)(nil); !errors.As(err, &refused) {
			t.Errorf("error %v, want refused", err)
		}
	})
}

// TestExecMuch: a GiB, and a line of ten MiB, arrive to the byte, and pile up nowhere.
func TestExecMuch(t *testing.T) {
	p := newPlace(t)
	t.Run("1 GiB", func(t *testing.T) {
		const size = 1 << 30
		sum, n, most := sha256.New(), 0, uint64(0)
		request := p.request("head", "-c", fmt.Sprint(size), "/dev/zero")
		request.Stdout = writerFunc(func(b []byte) (int, error) {
			if n += len(b); n%(64<<20) < len(b) {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
			return sum.Write(b)
		})
		code, err := p.client.Exec(t.Context(), request, grace)
		if err != nil || code != 0 || n != size {
			t.Fatalf("%d bytes, code %d, error %v", n, code, err)
		}
		want := sha256.New()
		_, _ = io.CopyN(want, zeros{}, size)
		if !bytes.Equal(sum.Sum(nil), want.Sum(nil)) {
			t.Error("the bytes differ")
		}
		if most > 64<<20 {
			t.Errorf("%d MiB of heap in use", most>>20)
		}
	})
	t.Run("a line of 10 MiB", func(t *testing.T) {
		out, code := p.sh("head -c 10485760 /dev/zero | tr '\\0' x; echo; echo end")
		if code != 0 || out != strings.Repeat("x", 10<<20)+"\nend\n" {
			t.Errorf("code %d, %d bytes", code, len(out))
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestExecStop: cancelling ends the program and its children, also when they ignore TERM.
func TestExecStop(t *testing.T) {
	p := newPlace(t)
	for name, script := range map[string]string{
		"heeds TERM":   "sleep 4321 & echo started; wait",
		"ignores TERM": "trap '' TERM; sleep 4321 & echo started; while :; do wait; done",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			request := p.request("sh", "-c", script)
			request.Stdout = writerFunc(func(b []byte) (int, error) { cancel(); return len(b), nil })
			if _, err := p.client.Exec(ctx, request, 500*time.Millisecond); !errors.Is(err, kubeexec.ErrStopped) {
				t.Errorf("error %v, want ErrStopped", err)
			}
			// A process that waits for its parent has exited.
			wait(t, "the processes are gone", func() bool {
				out, _ := p.sh("ps -o stat,args | grep '[s]leep 4321' | grep -v '^Z'; :")
				return out == ""
			})
		})
	}
}

// TestExecWithoutShell: an image without a shell runs programs; a program that cannot be stopped is reported.
func TestExecWithoutShell(t *testing.T) {
	p := newPlace(t, func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "PATH", Value: "/nowhere"}}
	})
	code, err := p.client.Exec(t.Context(), p.request("/bin/echo", "hello"), grace)
	if err != nil || code != 0 || p.out.String() != "hello\n" {
		t.Errorf("code %d, error %v, printed %q", code, err, &p.out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	request := p.request("/bin/busybox", "yes")
	request.Stdout = writerFunc(func(b []byte) (int, error) { cancel(); return len(b), nil })
	_, err = p.client.Exec(ctx, request, 500*time.Millisecond)
	if lost := (*kubeexec.LostError)(nil); !errors.As(err, &lost) || !errors.Is(err, kubeexec.ErrNoShell) {
		t.Errorf("error %v, want lost, without a shell", err)
	}
}

// TestExecLost: a connection that is cut is no success (kubernetes/kubectl#1726), whatever had been printed
// before, when the container has no trace of the program.
func TestExecLost(t *testing.T) {
	p := newPlace(t)
	f, server := newFront(t)
	p.client = kubeexec.Executor{Client: newClient(func(c *rest.Config) {
		c.Host = f.url()
		c.ServerName = server.Hostname()
	})}
	request := p.request("sh", "-c", "rm -rf /tmp/kubectl-tasks-*; echo started; sleep 600")
	request.Stdout = writerFunc(func(b []byte) (int, error) { f.cut(); return len(b), nil })
	_, err := p.client.Exec(t.Context(), request, grace)
	if lost := (*kubeexec.LostError)(nil); !errors.As(err, &lost) {
		t.Errorf("error %v, want lost", err)
	}
}

// TestExecSPDY: where WebSockets are refused, SPDY does the same.
func TestExecSPDY(t *testing.T) {
	p := newPlace(t)
	config, server := apiServer(t)
	var refused, upgraded int
	proxy := httputil.NewSingleHostReverseProxy(server)
	proxy.Transport = http1(t, config)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.ToLower(r.Header.Get("Upgrade")) {
		case "websocket":
			refused++
			http.Error(w, "this proxy knows no WebSockets", http.StatusBadRequest)
			return
		case "spdy/3.1":
			upgraded++
		}
		proxy.ServeHTTP(w, r)
	})}
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(func() { _ = s.Close() })

	p.client = kubeexec.Executor{Client: newClient(func(c *rest.Config) {
		c.Host = "http://" + listener.Addr().String()
		c.TLSClientConfig = rest.TLSClientConfig{}
	})}
	code, err := p.client.Exec(t.Context(), p.request("sh", "-c", "echo o; echo e >&2; exit 5"), grace)
	if err != nil || code != 5 || p.out.String() != "o\n" || p.errs.String() != "e\n" {
		t.Errorf("code %d, error %v, printed %q and %q", code, err, &p.out, &p.errs)
	}
	if refused == 0 || upgraded == 0 {
		t.Errorf("%d WebSockets refused, %d SPDY connections", refused, upgraded)
	}
}

// http1 returns a transport that speaks HTTP/1.1, which alone can be upgraded.
func http1(t *testing.T, config *rest.Config) http.RoundTripper {
	t.Helper()
	tls, err := rest.TLSConfigFor(config)
	if err != nil {
		t.Fatal(err)
	}
	tls.NextProtos = []string{"http/1.1"}
	return &http.Transport{TLSClientConfig: tls}
}
