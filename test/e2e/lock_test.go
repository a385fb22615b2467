//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
)

// TestLockStarters: of fifty that start at the same time, never two are inside, and all get in.
func TestLockStarters(t *testing.T) {
	t.Parallel()
	cluster := client(t)
	ns := namespace(t, cluster, "starters")
	locks := lock.Locks{Client: func() (kubernetes.Interface, error) { return cluster, nil }, Namespace: ns}
	var (
		group  sync.WaitGroup
		inside atomic.Int32
		done   atomic.Int32
	)
	for i := range 50 {
		group.Go(func() {
			holder := lock.Holder{Owner: lock.Owner{Name: fmt.Sprintf("starter-%d@test", i), PID: i}, Run: fmt.Sprint(i)}
			lock, err := locks.Acquire(t.Context(), "kubectl-tasks.web", holder, 2*time.Minute)
			if err != nil {
				t.Error(err)
				return
			}
			if n := inside.Add(1); n != 1 {
				t.Errorf("%d are inside", n)
			}
			if err := lock.Check(t.Context()); err != nil {
				t.Error(err)
			}
			inside.Add(-1)
			done.Add(1)
			if err := lock.Release(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if done.Load() != 50 {
		t.Errorf("%d of 50 got in", done.Load())
	}
	if list, err := cluster.CoordinationV1().Leases(ns).List(t.Context(), metav1.ListOptions{}); err != nil || len(list.Items) != 0 {
		t.Errorf("%d leases are left, error %v", len(list.Items), err)
	}
}

// pausedOwner: a process that slept while another one took over starts nothing more.
func pausedOwner(f *faulty) (string, int) {
	f.tasks(`- {name: first, phase: pre-upgrade, exec: {target: deployment/web, shell: "echo begun; sleep 3"}}
- {name: second, phase: pre-upgrade, needs: [first], exec: {target: deployment/web, shell: "echo $RANDOM >>/tmp/second"}}
`)
	chart := filepath.Join(rootDir, "examples/web")
	if code, _, stderr := f.run("install", "web", chart, "--set", "replicas=1", "--wait"); code != 0 {
		f.Fatalf("exit code %d\n%s", code, stderr)
	}
	paused := f.start("upgrade", "web", chart, "--reuse-values")
	paused.says("| begun")
	if err := paused.Process.Signal(syscall.SIGSTOP); err != nil {
		f.Fatal(err)
	}
	began := time.Now()
	other := f.start("upgrade", "web", chart, "--reuse-values")
	other.says("waiting for the lock kubectl-tasks.web, held by ")
	other.says("| begun")
	took := time.Since(began)
	if code := other.end(time.Minute); code != 0 {
		f.Errorf("exit code %d of who took over", code)
	}
	if err := paused.Process.Signal(syscall.SIGCONT); err != nil {
		f.Fatal(err)
	}
	code := paused.end(time.Minute)
	if code != 8 || took < 14*time.Second || took > 30*time.Second {
		f.Errorf("exit code %d, taken over after %s", code, took)
	}
	if lines := f.kubectl("exec", "deployment/web", "--", "cat", "/tmp/second"); strings.Count(lines, "\n") != 1 {
		f.Errorf("the second task ran %d times", strings.Count(lines, "\n"))
	}
	return fmt.Sprintf("taken over after %.0f s; the sleeper starts nothing more", took.Seconds()), code
}

// deadOwner: the lock of a process that is known to be dead is free at once, and what it left pending is
// healed.
func deadOwner(f *faulty) (string, int) {
	f.tasks("- {name: middle, phase: mid-deploy, host: {command: [sleep, \"1000\"]}}\n")
	chart := filepath.Join(rootDir, "examples/web")
	dead := f.start("install", "web", chart, "--set", "replicas=1,image=no-such-image:1", "--wait")
	dead.says("sleep 1000")
	_ = dead.Process.Kill()
	dead.end(time.Minute)
	f.file("tasks.yaml", "apiVersion: kubectl-tasks.io/v1alpha1\nkind: Tasks\ntasks:\n- {name: late, phase: post-upgrade, exec: {target: deployment/web, command: [echo, late]}}\n")
	began := time.Now()
	code, _, stderr := f.run("upgrade", "web", chart, "--set", "replicas=1", "--wait")
	if took := time.Since(began); code != 0 || !strings.Contains(stderr, `revision 1 of release "web" was left pending-install by run `) || took > 30*time.Second {
		f.Errorf("exit code %d after %s", code, took)
	}
	return "its lock is free at once, the pending release healed", code
}

// pendingRelease: a release that another client left pending is explained, and not changed.
func pendingRelease(f *faulty) (string, int) {
	chart := filepath.Join(rootDir, "examples/web")
	f.tasks("- {name: a, phase: pre-upgrade, exec: {target: deployment/web, command: [echo, a]}}\n")
	f.helm("install", "web", chart, "--set", "replicas=1", "--wait")
	pend := func(age time.Duration) {
		f.pend("web", age)
	}
	pend(time.Minute)
	code, _, stderr := f.run("upgrade", "web", chart)
	if code != 4 || !strings.Contains(stderr, "another operation (install/upgrade/rollback) is in progress") || !strings.Contains(stderr, "--heal") {
		f.Errorf("exit code %d\n%s", code, stderr)
	}
	if code, _, stderr := f.run("upgrade", "web", chart, "--heal"); code != 4 || !strings.Contains(stderr, "--heal needs at least 10m") {
		f.Errorf("exit code %d of --heal too early\n%s", code, stderr)
	}
	pend(time.Hour)
	for _, line := range [][]string{{"upgrade", "web", chart, "--heal", "--dry-run"}, {"plan", "upgrade", "web", chart, "--heal"}} {
		if code, _, stderr := f.run(line...); code != 4 || !strings.Contains(stderr, "is in progress") {
			f.Errorf("exit code %d of %v\n%s", code, line, stderr)
		}
	}
	if secrets := f.kubectl("get", "secrets", "-l", "owner=helm,status=pending-upgrade", "-o", "name"); secrets == "" {
		f.Errorf("a dry run or a plan has changed the release")
	}
	if code, _, stderr := f.run("upgrade", "web", chart, "--set", "replicas=1", "--heal"); code != 0 || !strings.Contains(stderr, "it is now marked as failed") {
		f.Errorf("exit code %d of --heal\n%s", code, stderr)
	}
	return "explained, and healed only when it is asked for and old enough", code
}

// stillRuns: while a pod of a run that died is at work, another run of the release does not begin; when it
// was cancelled, it does.
func stillRuns(f *faulty) (string, int) {
	f.tasks("- {name: migrate, phase: pre-install, pod: {image: busybox:test, command: [sh, -c, \"echo begun; sleep 1000\"]}}\n")
	chart := filepath.Join(rootDir, "examples/web")
	dead := f.start("install", "web", chart, "--set", "replicas=1")
	dead.says("| begun")
	_ = dead.Process.Kill()
	dead.end(time.Minute)
	f.tasks("- {name: late, phase: post-install, host: {command: [echo, late]}}\n")
	code, _, stderr := f.run("install", "web", chart, "--set", "replicas=1")
	if code != 4 || !strings.Contains(stderr, `its task "migrate" still runs: pod migrate-`) {
		f.Errorf("exit code %d\n%s", code, stderr)
	}
	if code, _, stderr := f.run("cancel", "--release", "web"); code != 0 {
		f.Errorf("exit code %d of cancel\n%s", code, stderr)
	}
	if code, _, stderr := f.run("install", "web", chart, "--set", "replicas=1"); code != 0 {
		f.Errorf("exit code %d after cancel\n%s", code, stderr)
	}
	return "refused until it was cancelled or gone on with", code
}
