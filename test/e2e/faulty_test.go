//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	helmtime "helm.sh/helm/v3/pkg/time"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-tasks/kubectl-tasks/test/fault"
)

// faulty is a namespace with the program in it and, when a case breaks the way to the API server, a
// proxy on that way.
type faulty struct {
	*testing.T

	cluster    kubernetes.Interface
	namespace  string
	kubeconfig string
	dir        string
	proxy      *fault.Proxy
}

func newFaulty(t *testing.T, name string) *faulty {
	t.Helper()
	f := &faulty{T: t, cluster: client(t), dir: t.TempDir()}
	f.namespace = namespace(t, f.cluster, name)
	f.kubeconfig = kubeconfigFor(t, t.TempDir(), f.namespace)
	return f
}

// behind puts a proxy between the program and the API server.
func (f *faulty) behind() *fault.Proxy {
	f.proxy = fault.New(f.T, f.kubeconfig)
	f.kubeconfig = f.proxy.Kubeconfig(f.T, f.namespace)
	return f.proxy
}

// file writes a file of the working directory.
func (f *faulty) file(name, text string) {
	f.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
}

// tasks writes the tasks.yaml of the working directory.
func (f *faulty) tasks(list string) {
	f.Helper()
	f.file("tasks.yaml", "apiVersion: kubectl-tasks.io/v1alpha1\nkind: Tasks\nmetadata: {name: t}\ntasks:\n"+list)
}

// process is the program while it runs.
type process struct {
	*exec.Cmd

	f           *faulty
	out, errOut *output
	ended       chan struct{}
}

// output is what a process has printed so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(data)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start starts the program.
func (f *faulty) start(args ...string) *process {
	f.Helper()
	return f.startWith(nil, args...)
}

// startWith starts the program with more in its environment.
func (f *faulty) startWith(env []string, args ...string) *process {
	f.Helper()
	p := &process{Cmd: exec.Command("kubectl-tasks", args...), f: f, out: &output{}, errOut: &output{}, ended: make(chan struct{})}
	p.Dir = f.dir
	p.Env = append(append(os.Environ(), "KUBECONFIG="+f.kubeconfig), env...)
	p.Stdout, p.Stderr = p.out, p.errOut
	if err := p.Start(); err != nil {
		f.Fatal(err)
	}
	go func() { _ = p.Wait(); close(p.ended) }()
	f.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.ended
		if f.Failed() {
			f.Logf("%v\nstdout:\n%s\nstderr:\n%s", args, p.out, p.errOut)
		}
	})
	return p
}

// end returns the exit code of the program, which must come within the time.
func (p *process) end(within time.Duration) int {
	p.f.Helper()
	select {
	case <-p.ended:
	case <-time.After(within):
		p.f.Fatalf("%v has not ended after %s", p.Args[1:], within)
	}
	return p.ProcessState.ExitCode()
}

// says waits until the program has printed a text.
func (p *process) says(text string) {
	p.f.Helper()
	wait(p.f.T, fmt.Sprintf("%v says %q", p.Args[1:], text), func() bool {
		if strings.Contains(p.out.String()+p.errOut.String(), text) {
			return true
		}
		select {
		case <-p.ended:
			p.f.Fatalf("%v has ended without saying %q", p.Args[1:], text)
		default:
		}
		return false
	})
}

// run runs the program to its end.
func (f *faulty) run(args ...string) (code int, stdout, stderr string) {
	f.Helper()
	p := f.start(args...)
	code = p.end(2 * time.Minute)
	return code, p.out.String(), p.errOut.String()
}

// deployment makes a workload of one pod for tasks to run in, and returns when it is ready. more are
// further fields of its container.
func (f *faulty) deployment(more ...string) {
	f.Helper()
	f.file("web.yaml", fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{%s}]
`, strings.Join(append(more, "name: app", "image: "+testImage, `command: [sleep, "100000"]`), ", ")))
	f.kubectl("apply", "-f", "web.yaml")
	f.kubectl("rollout", "status", "deployment/web")
}

// helm runs the real helm.
func (f *faulty) helm(args ...string) {
	f.Helper()
	helm(f.T, "HELM3", append(args, "-n", f.namespace)...)
}

// pend makes the newest revision of a release look as if a Helm had begun with it so long ago, and died.
func (f *faulty) pend(name string, age time.Duration) {
	f.Helper()
	all := storage.Init(driver.NewSecrets(f.cluster.CoreV1().Secrets(f.namespace)))
	last, err := all.Last(name)
	if err != nil {
		f.Fatal(err)
	}
	last.Info.Status, last.Info.LastDeployed = release.StatusPendingUpgrade, helmtime.Time{Time: time.Now().Add(-age)}
	if err := all.Update(last); err != nil {
		f.Fatal(err)
	}
}

func (f *faulty) kubectl(args ...string) string {
	f.Helper()
	cmd := exec.Command("kubectl", args...)
	cmd.Dir = f.dir
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfigFor(f.T, f.TempDir(), f.namespace))
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.Fatalf("kubectl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// left returns what is left of runs in the namespace: pods and Jobs that the program made, locks, and
// releases that are pending. printed is what the program has said: an object that it names is not left
// without a word.
func (f *faulty) left(printed string) string {
	f.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var found []string
	ours := metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=kubectl-tasks"}
	wait(f.T, "what is deleted is gone", func() bool {
		found = nil
		pods, err := f.cluster.CoreV1().Pods(f.namespace).List(ctx, ours)
		if err != nil {
			return false
		}
		going := false
		for _, p := range pods.Items {
			if p.DeletionTimestamp != nil {
				going = true
			} else if !strings.Contains(printed, p.Name) {
				found = append(found, "pod "+p.Name)
			}
		}
		jobs, err := f.cluster.BatchV1().Jobs(f.namespace).List(ctx, ours)
		if err != nil {
			return false
		}
		for _, j := range jobs.Items {
			if j.DeletionTimestamp != nil {
				going = true
			} else if !strings.Contains(printed, j.Name) {
				found = append(found, "job "+j.Name)
			}
		}
		return !going
	})
	leases, err := f.cluster.CoordinationV1().Leases(f.namespace).List(ctx, ours)
	if err != nil {
		f.Fatal(err)
	}
	for _, l := range leases.Items {
		found = append(found, "lease "+l.Name)
	}
	releases, err := f.cluster.CoreV1().Secrets(f.namespace).List(ctx, metav1.ListOptions{LabelSelector: "owner=helm"})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range releases.Items {
		if strings.HasPrefix(s.Labels["status"], "pending") {
			found = append(found, "release "+s.Name+" "+s.Labels["status"])
		}
	}
	return strings.Join(found, ", ")
}

// row is what came of a fault.
type row struct {
	number  int
	fault   string
	what    string
	code    int
	left    string
	seconds float64
}

var table struct {
	sync.Mutex

	rows []row
}

// faultCase is one row of the fault matrix. Its function returns what happened and the exit code, and
// fails the test when that is not what must be.
type faultCase struct {
	number int
	fault  string
	run    func(f *faulty) (what string, code int)
	// leaves reports that something is meant to be left; the table has these objects.
	leaves bool
}

// runFaults runs the cases, and writes their table where $FAULTS_TABLE says.
func runFaults(t *testing.T, parallel bool, cases []faultCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(fmt.Sprintf("%02d %s", c.number, c.fault), func(t *testing.T) {
			if parallel {
				t.Parallel()
			}
			f := newFaulty(t, fmt.Sprintf("fault-%02d", c.number))
			began := time.Now()
			what, code := c.run(f)
			seconds := time.Since(began).Seconds()
			if f.proxy != nil {
				f.proxy.Break(nil)
				f.proxy.Light()
			}
			left := f.left("")
			if left != "" && !c.leaves {
				t.Errorf("left behind: %s", left)
			}
			table.Lock()
			defer table.Unlock()
			table.rows = append(table.rows, row{c.number, c.fault, what, code, left, seconds})
		})
	}
	t.Cleanup(func() { writeFaults(t) })
}

func writeFaults(t *testing.T) {
	t.Helper()
	path := os.Getenv("FAULTS_TABLE")
	if path == "" {
		return
	}
	table.Lock()
	defer table.Unlock()
	slices.SortStableFunc(table.rows, func(a, b row) int { return a.number - b.number })
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ROW\tFAULT\tWHAT HAPPENED\tEXIT\tLEFT\tSECONDS")
	for _, r := range table.rows {
		left := r.left
		if left == "" {
			left = "nothing"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%s\t%.1f\n", r.number, r.fault, r.what, r.code, left, r.seconds)
	}
	_ = w.Flush()
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Error(err)
	}
}

// mkdir makes a directory below the working directory.
func (f *faulty) mkdir(name string) {
	f.Helper()
	if err := os.MkdirAll(filepath.Join(f.dir, name), 0o700); err != nil {
		f.Fatal(err)
	}
}
