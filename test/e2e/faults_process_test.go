//go:build e2e

package e2e

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// TestProcessFaults is about what happens to the program itself, on its own machine.
func TestProcessFaults(t *testing.T) {
	runFaults(t, true, []faultCase{
		{10, "SIGINT, SIGTERM, SIGKILL, as a CI system sends them", patience, false},
		{12, "the process sleeps for longer than its lock lasts", asleep, false},
		{12, "clocks that are an hour apart", skewed, false},
		{13, "credentials that last for seconds", shortLived, false},
		{23, "a line of 100 MB, and a binary file", exactBytes, false},
		{36, "standard output on a full disk", fullDisk, false},
		{42, "a host task leaves processes that hold its output open", grandchildren, false},
	})
}

// patience: GitHub's runner sends SIGINT, after 7.5 s SIGTERM, and 2.5 s later SIGKILL. The record is
// complete before that.
func patience(f *faulty) (string, int) {
	f.tasks("- {name: deaf, phase: pre-install, pod: {image: busybox:test, command: [sh, -c, \"trap '' TERM INT; echo begun; while true; do sleep 1; done\"]}}\n")
	p := f.start("install", "web", filepath.Join(rootDir, "examples/web"))
	p.says("| begun")
	began := time.Now()
	_ = p.Process.Signal(syscall.SIGINT)
	term := time.AfterFunc(7500*time.Millisecond, func() { _ = p.Process.Signal(syscall.SIGTERM) })
	kill := time.AfterFunc(10*time.Second, func() { _ = p.Process.Kill() })
	defer term.Stop()
	defer kill.Stop()
	code := p.end(30 * time.Second)
	if took := time.Since(began); code != 130 && code != 143 {
		f.Errorf("exit code %d after %s", code, took)
	}
	took := time.Since(began)
	if took > 7500*time.Millisecond {
		// A machine so slow that the second signal came first: what is left is named, and goes.
		if said := p.errOut.String(); !strings.Contains(said, "not deleted: pod deaf-") {
			f.Errorf("after %s it says\n%s", took, said)
		}
		f.run("cancel")
	}
	if _, stdout, _ := f.run("history"); !strings.Contains(stdout, "Cancelled") {
		f.Errorf("history:\n%s", stdout)
	}
	return fmt.Sprintf("recorded as cancelled, out after %.1f s", took.Seconds()), code
}

// asleep: a process that slept looks whether its lock is still its own, and continues.
func asleep(f *faulty) (string, int) {
	f.tasks(`- {name: first, phase: pre-install, pod: {image: busybox:test, command: [sh, -c, "for i in $(seq 25); do echo first $i; sleep 1; done"]}}
- {name: second, phase: pre-install, needs: [first], pod: {image: busybox:test, command: [echo, second]}}
`)
	p := f.start("install", "web", filepath.Join(rootDir, "examples/web"), "--set", "replicas=1")
	p.says("| first 2\n")
	_ = p.Process.Signal(syscall.SIGSTOP)
	time.Sleep(18 * time.Second) //nolint:forbidigo // the fault is the time
	_ = p.Process.Signal(syscall.SIGCONT)
	code := p.end(2 * time.Minute)
	printed := p.errOut.String()
	for i := 1; i <= 25; i++ {
		if line := fmt.Sprintf("| first %d\n", i); strings.Count(printed, line) != 1 {
			f.Errorf("%q is printed %d times", line, strings.Count(printed, line))
		}
	}
	if code != 0 || strings.Count(printed, "| second\n") != 1 {
		f.Errorf("exit code %d", code)
	}
	return "goes on after 18 s, each line once", code
}

// skewed: whether the owner of a lock lives is judged by its renewals, whatever its clock says.
func skewed(f *faulty) (string, int) {
	f.tasks("- {name: one, phase: pre-install, host: {command: [echo, one]}}\n")
	chart := filepath.Join(rootDir, "examples/web")
	leases := f.cluster.CoordinationV1().Leases(f.namespace)
	holder, seconds := "somebody@elsewhere 1", int32(15)
	at := func(skew time.Duration) *metav1.MicroTime { return &metav1.MicroTime{Time: time.Now().Add(skew)} }
	lease, err := leases.Create(f.Context(), &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: "kubectl-tasks.web"},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, RenewTime: at(-time.Hour)},
	}, metav1.CreateOptions{})
	if err != nil {
		f.Fatal(err)
	}
	// An owner whose clock is an hour behind, and who lives.
	slow := f.start("install", "web", chart, "--set", "replicas=1", "--lock-wait", "20s")
	for ended := false; !ended; {
		select {
		case <-slow.ended:
			ended = true
		case <-time.After(3 * time.Second):
			lease.Spec.RenewTime = at(-time.Hour)
			if lease, err = leases.Update(f.Context(), lease, metav1.UpdateOptions{}); err != nil {
				f.Fatal(err)
			}
		}
	}
	if code := slow.end(time.Second); code != 8 {
		f.Errorf("exit code %d beside an owner whose clock is behind", code)
	}
	// A holder whose clock is an hour ahead, and which has died.
	lease.Spec.RenewTime = at(time.Hour)
	if _, err = leases.Update(f.Context(), lease, metav1.UpdateOptions{}); err != nil {
		f.Fatal(err)
	}
	began := time.Now()
	code, _, stderr := f.run("install", "web", chart, "--set", "replicas=1")
	if took := time.Since(began); code != 0 || took > 40*time.Second {
		f.Errorf("exit code %d after %s\n%s", code, took, stderr)
	}
	return "judged by renewals: respected while they come, taken over when they end", code
}

// shortLived: credentials are fetched again when they expire, and connections live on.
func shortLived(f *faulty) (string, int) {
	f.deployment()
	f.kubectl("create", "serviceaccount", "brief")
	f.kubectl("create", "rolebinding", "brief", "--clusterrole=admin", "--serviceaccount="+f.namespace+":brief")
	f.kubectl("create", "role", "locks", "--verb=*", "--resource=leases.coordination.k8s.io")
	f.kubectl("create", "rolebinding", "locks", "--role=locks", "--serviceaccount="+f.namespace+":brief")
	config, err := clientcmd.LoadFromFile(f.kubeconfig)
	if err != nil {
		f.Fatal(err)
	}
	own := f.kubeconfig
	f.file("credentials.sh", fmt.Sprintf(`echo asked >>%[1]s/asked
token=$(kubectl --kubeconfig %[2]s create token brief -n %[3]s)
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%%s","expirationTimestamp":"%%s"}}' "$token" "$(date -u -d '+3 seconds' +%%Y-%%m-%%dT%%H:%%M:%%SZ)"
`, f.dir, own, f.namespace))
	name := config.Contexts[config.CurrentContext].AuthInfo
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
		APIVersion: "client.authentication.k8s.io/v1", Command: "sh", Args: []string{filepath.Join(f.dir, "credentials.sh")}, InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
	}}
	f.kubeconfig = filepath.Join(f.TempDir(), "brief")
	if err := clientcmd.WriteToFile(*config, f.kubeconfig); err != nil {
		f.Fatal(err)
	}
	f.tasks(`- {name: executed, exec: {target: deployment/web, shell: "for i in $(seq 10); do echo executed $i; sleep 1; done; exit 7"}}
- {name: pod, pod: {image: busybox:test, command: [sh, -c, "for i in $(seq 10); do echo pod $i; sleep 1; done; exit 8"]}}
- {name: next, needs: [pod], onFailure: continue, pod: {image: busybox:test, command: [echo, next]}}
`)
	code, stdout, stderr := f.run("run", "executed", "pod", "--keep-going")
	printed := stdout + stderr
	asked := strings.Count(read(f.T, filepath.Join(f.dir, "asked")), "\n")
	if code != 1 || asked < 2 || !strings.Contains(printed, "exit status 7") || !strings.Contains(printed, "exit status 8") || strings.Count(printed, "| pod 10\n") != 1 || strings.Count(printed, "| executed 10\n") != 1 {
		f.Errorf("exit code %d, asked for credentials %d times", code, asked)
	}
	return fmt.Sprintf("fetched %d times, each program's own code", asked), code
}

// exactBytes: what a program prints arrives as it is: a line that never ends, bytes that are no text, and
// an end without a newline.
func exactBytes(f *faulty) (string, int) {
	f.deployment()
	const size = 100_000_000
	code, stdout, _ := f.run("run", "--exec", "deployment/web", "--", "sh", "-c", fmt.Sprintf("head -c %d /dev/zero | tr '\\0' x; printf end", size))
	if code != 0 || len(stdout) != size+3 || strings.Trim(stdout, "x") != "end" {
		f.Errorf("exit code %d, %d bytes", code, len(stdout))
	}
	want, _, _ := strings.Cut(f.kubectl("exec", "deployment/web", "--", "sha256sum", "/bin/busybox"), " ")
	code, stdout, _ = f.run("run", "--exec", "deployment/web", "--", "cat", "/bin/busybox")
	if got := fmt.Sprintf("%x", sha256.Sum256([]byte(stdout))); code != 0 || got != want {
		f.Errorf("exit code %d, sum %s, want %s", code, got, want)
	}
	f.tasks(`- {name: long, exec: {target: deployment/web, shell: "head -c 3000000 /dev/zero | tr '\\0' x; printf end"}}
- {name: other, exec: {target: deployment/web, shell: "for i in $(seq 100); do echo other $i; done; printf last"}}
`)
	code, stdout, stderr := f.run("run", "long", "other")
	for line := range strings.Lines(stdout + stderr) {
		if strings.Contains(line, "xx") && !strings.HasPrefix(line, "  long | x") && !strings.HasPrefix(line, "  | x") || strings.Contains(line, "other 1") && !strings.HasPrefix(line, "  other | ") && !strings.HasPrefix(line, "  | ") {
			f.Errorf("a line begins with %.60q", line)
		}
	}
	if code != 0 || !strings.Contains(stdout, "| last\n") || strings.Count(stdout, "x") != 3_000_000 {
		f.Errorf("exit code %d of two tasks", code)
	}
	return "to the byte, each line behind the name of its task", code
}

// fullDisk: a success whose output was lost is none.
func fullDisk(f *faulty) (string, int) {
	f.deployment()
	cmd := exec.Command("sh", "-c", "kubectl-tasks run --exec deployment/web -- seq 100000 >/dev/full")
	cmd.Env = append(cmd.Environ(), "KUBECONFIG="+f.kubeconfig)
	out, _ := cmd.CombinedOutput()
	code := cmd.ProcessState.ExitCode()
	if code != 1 || !strings.Contains(string(out), "no space left on device") {
		f.Errorf("exit code %d\n%s", code, out)
	}
	return "said, and no success", code
}

// grandchildren: a task of this machine has ended when its program has, and what that started goes with it.
func grandchildren(f *faulty) (string, int) {
	f.tasks("- {name: parent, host: {shell: \"(trap '' TERM HUP; sleep 42421) & (setsid sleep 42422 || true) & echo begun; exit 3\"}}\n- {name: held, timeout: 2s, host: {shell: \"sleep 42423 | sleep 42424\"}}\n")
	began := time.Now()
	code, stdout, _ := f.run("run", "parent")
	if took := time.Since(began); code != 3 || stdout != "begun\n" || took > 15*time.Second {
		f.Errorf("exit code %d after %s", code, took)
	}
	if code, _, _ := f.run("run", "held"); code != 124 {
		f.Errorf("exit code %d of a pipe that is held open", code)
	}
	for _, seconds := range []string{"42421", "42423", "42424"} {
		if left := processes(f.T, "sleep "+seconds); len(left) > 0 {
			f.Errorf("sleep %s still runs: %v", seconds, left)
		}
	}
	for _, pid := range processes(f.T, "sleep 42422") { // it has left the group on purpose
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return "nothing of its process group is left", code
}

// processes returns those of this machine with a command line.
func processes(t *testing.T, line string) []int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(all) == 0 {
		t.Fatal("there is no list of processes", err)
	}
	var found []int
	for _, path := range all {
		text, _ := os.ReadFile(path) // it may have ended
		if strings.TrimSpace(strings.ReplaceAll(string(text), "\x00", " ")) != line {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, pid)
	}
	return found
}
