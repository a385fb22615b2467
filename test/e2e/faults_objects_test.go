//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestObjectFaults is about what goes wrong in the cluster, and around the process, without anything
// between them being broken.
func TestObjectFaults(t *testing.T) {
	runFaults(t, true, []faultCase{
		{9, "SIGINT twice", interruptTwice, true},
		{15, "out of memory", outOfMemory, false},
		{16, "an image that is not there", noImage, false},
		{17, "a key that its Secret has not", noKey, false},
		{18, "an init container that fails", initFails, false},
		{19, "more cpu than there is", tooLarge, false},
		{24, "terminal sequences and CI commands in output", hostileOutput, false},
		{31, "a namespace that is not there, and one that goes", noNamespace, false},
		{34, "a quota of no pods, and a restricted namespace", quota, false},
		{36, "a home that cannot be written to", noHome, false},
		{41, "a pod that does not listen to TERM", deaf, false},
		{44, "standard output closed after a line", closedOutput, false},
	})
}

// interruptTwice: the second signal leaves at once, says what is still there and how to go on; and that
// removes it.
func interruptTwice(f *faulty) (string, int) {
	f.tasks("- {name: long, pod: {image: busybox:test, command: [sh, -c, \"trap '' TERM; echo begun; sleep 1000\"]}}\n")
	p := f.start("run", "long")
	p.says("begun")
	_ = p.Process.Signal(syscall.SIGINT)
	p.says("a second signal exits immediately")
	began := time.Now()
	_ = p.Process.Signal(syscall.SIGINT)
	code := p.end(10 * time.Second)
	if took := time.Since(began); code != 130 || took > time.Second {
		f.Errorf("exit code %d after %s", code, took)
	}
	if said := p.errOut.String(); !strings.Contains(said, "not deleted: pod long-") || !strings.Contains(said, "kubectl tasks cancel") {
		f.Errorf("said:\n%s", said)
	}
	if code, stdout, stderr := f.run("cancel"); code != 0 || !strings.Contains(stdout, "Cancelled") {
		f.Errorf("exit code %d of cancel\n%s", code, stderr)
	}
	return "out at once, names what is left, which cancel removes", code
}

func outOfMemory(f *faulty) (string, int) {
	f.tasks(`- name: greedy
  pod:
    spec:
      containers: [{name: main, image: "busybox:test", command: [sh, -c, "x=x; while true; do x=$x$x; done"], resources: {limits: {memory: 16Mi}}}]
`)
	code, _, stderr := f.run("run", "greedy")
	if code != 137 || !strings.Contains(stderr, "OOMKilled") {
		f.Errorf("exit code %d", code)
	}
	return "OOMKilled, by name", code
}

// noImage: a pull that fails is given up long before the task's time is over, and names the image.
func noImage(f *faulty) (string, int) {
	f.tasks("- {name: none, timeout: 10m, pod: {image: \"nowhere.invalid/none:1\", command: [\"true\"]}}\n")
	began := time.Now()
	code, _, stderr := f.run("run", "none")
	if took := time.Since(began); code != 1 || took > time.Minute || !strings.Contains(stderr, "nowhere.invalid/none:1") {
		f.Errorf("exit code %d after %s", code, took)
	}
	return fmt.Sprintf("given up after %.0f s, the image named", time.Since(began).Seconds()), code
}

func noKey(f *faulty) (string, int) {
	f.kubectl("create", "secret", "generic", "there", "--from-literal=other=x")
	f.tasks("- {name: keyless, timeout: 10m, pod: {image: busybox:test, command: [\"true\"], env: [{name: A, valueFrom: {secretKeyRef: {name: there, key: absent}}}]}}\n")
	began := time.Now()
	code, _, stderr := f.run("run", "keyless")
	if took := time.Since(began); code != 1 || took > 30*time.Second || !strings.Contains(stderr, "absent") {
		f.Errorf("exit code %d after %s", code, took)
	}
	return fmt.Sprintf("given up after %.0f s, the key named", time.Since(began).Seconds()), code
}

func initFails(f *faulty) (string, int) {
	f.tasks(`- name: started
  pod:
    spec:
      initContainers: [{name: first, image: "busybox:test", command: [sh, -c, "echo why it fails; exit 3"]}]
      containers: [{name: main, image: "busybox:test", command: ["true"]}]
`)
	code, stdout, stderr := f.run("run", "started")
	if printed := stdout + stderr; code != 1 || !strings.Contains(printed, "why it fails") || !strings.Contains(printed, "init container first: exit status 3") {
		f.Errorf("exit code %d", code)
	}
	return "its log is shown, and its exit code", code
}

func tooLarge(f *faulty) (string, int) {
	f.tasks(`- name: large
  timeout: 5s
  pod:
    spec:
      containers: [{name: main, image: "busybox:test", command: ["true"], resources: {requests: {cpu: "999"}}}]
`)
	code, _, stderr := f.run("run", "large")
	if code != 124 || !strings.Contains(stderr, "the pod is not scheduled") || !strings.Contains(stderr, "Insufficient cpu") {
		f.Errorf("exit code %d", code)
	}
	return "the scheduler's words, and the time limit", code
}

// hostileOutput: the output of a pod is data, also for the terminal and the CI system that show it.
func hostileOutput(f *faulty) (string, int) {
	f.tasks(`- {name: one, pod: {image: busybox:test, command: [printf, "\\033]0;title\\007\\033[2Jclear\\r\\n::error::mine\\n::add-mask::the\\n##vso[task.complete]x\\n\\302\\233evil\\n"]}}
- {name: two, needs: [one], pod: {image: busybox:test, command: [echo, the end]}}
`)
	code, stdout, stderr := f.run("run", "one", "two")
	printed := stdout + stderr
	if code != 0 || strings.ContainsAny(printed, "\x1b\x07\r") || strings.Contains(printed, "\u009b") {
		f.Errorf("exit code %d, printed %q", code, printed)
	}
	for line := range strings.Lines(printed) {
		if text := strings.TrimSpace(line); strings.HasPrefix(text, "::") || strings.HasPrefix(text, "##") {
			f.Errorf("a CI system would obey %q", line)
		}
	}
	return "written out; no line begins with a command", code
}

// noNamespace: nothing runs when there is no place for it.
func noNamespace(f *faulty) (string, int) {
	f.tasks("- {name: early, phase: pre-install, host: {shell: \"touch ran\"}}\n- {name: pod, phase: pre-install, pod: {image: busybox:test, command: [\"true\"]}}\n")
	chart := filepath.Join(rootDir, "examples/web")
	code, _, stderr := f.run("install", "web", chart, "-n", f.namespace+"-none")
	if code != 4 || !strings.Contains(stderr, f.namespace+"-none") {
		f.Errorf("exit code %d\n%s", code, stderr)
	}
	goes := namespace(f.T, f.cluster, "goes")
	f.kubectl("create", "configmap", "kept", "-n", goes)
	f.kubectl("patch", "configmap", "kept", "-n", goes, "--type=merge", "-p", `{"metadata":{"finalizers":["kubectl-tasks.io/test"]}}`)
	f.Cleanup(func() {
		_, _ = f.cluster.CoreV1().ConfigMaps(goes).Patch(context.Background(), "kept", "application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	})
	f.kubectl("delete", "namespace", goes, "--wait=false")
	if code, _, stderr := f.run("install", "web", chart, "-n", goes); code != 4 || !strings.Contains(stderr, "being terminated") {
		f.Errorf("exit code %d in a namespace that goes\n%s", code, stderr)
	}
	if ran(f.dir) {
		f.Error("a task has run")
	}
	return "refused before any task", code
}

// quota: what the cluster refuses is said in its words, at once; and a default pod is one that a
// restricted namespace takes.
func quota(f *faulty) (string, int) {
	f.kubectl("label", "namespace", f.namespace, "pod-security.kubernetes.io/enforce=restricted")
	f.tasks("- {name: one, pod: {image: busybox:test, command: [echo, one]}}\n- {name: many, job: {image: busybox:test, command: [echo, one]}}\n")
	if code, _, stderr := f.run("run", "one"); code != 0 {
		f.Errorf("exit code %d in a restricted namespace\n%s", code, stderr)
	}
	f.kubectl("create", "quota", "none", "--hard=pods=0")
	wait(f.T, "the quota counts", func() bool {
		q, err := f.cluster.CoreV1().ResourceQuotas(f.namespace).Get(f.Context(), "none", metav1.GetOptions{})
		return err == nil && len(q.Status.Hard) > 0
	})
	began := time.Now()
	code, _, stderr := f.run("run", "one")
	if took := time.Since(began); code != 4 || took > 5*time.Second || !strings.Contains(stderr, "exceeded quota") {
		f.Errorf("exit code %d after %s", code, took)
	}
	if code, _, stderr := f.run("run", "many"); code != 1 || !strings.Contains(stderr, "exceeded quota") {
		f.Errorf("exit code %d of the Job\n%s", code, stderr)
	}
	if code, _, stderr := f.run("run", "one", "many"); code != 4 || !strings.Contains(stderr, `task "one": exceeded quota`) || !strings.Contains(stderr, `task "many": exceeded quota`) {
		f.Errorf("exit code %d of both\n%s", code, stderr)
	}
	f.tasks("- {name: first, phase: pre-install, host: {command: [touch, ran]}}\n- {name: root, phase: post-install, job: {spec: {template: {spec: {hostNetwork: true, containers: [{name: main, image: \"busybox:test\", command: [\"true\"]}]}}}}}\n")
	if code, _, stderr := f.run("install", "web", filepath.Join(rootDir, "examples/web")); code != 4 || !strings.Contains(stderr, `task "root": violates PodSecurity "restricted:latest": host namespaces`) || ran(f.dir) {
		f.Errorf("exit code %d of a pod that the namespace does not take\n%s", code, stderr)
	}
	return "the quota's own words, at once; before anything else when there is more to do", code
}

func noHome(f *faulty) (string, int) {
	f.tasks("- {name: one, pod: {image: busybox:test, command: [echo, one]}}\n")
	p := f.startWith([]string{"HOME=/proc/none", "XDG_CACHE_HOME=/proc/none", "XDG_STATE_HOME=/proc/none"}, "run", "one")
	code := p.end(time.Minute)
	if code != 0 {
		f.Errorf("exit code %d", code)
	}
	return "the run goes on", code
}

// deaf: a program that ignores TERM is killed when its grace is over.
func deaf(f *faulty) (string, int) {
	f.tasks("- {name: deaf, timeout: 3s, pod: {image: busybox:test, command: [sh, -c, \"trap '' TERM; sleep 1000\"]}}\n")
	began := time.Now()
	code, _, _ := f.run("run", "deaf")
	if took := time.Since(began); code != 124 || took > 18*time.Second {
		f.Errorf("exit code %d after %s", code, took)
	}
	return fmt.Sprintf("killed; out after %.0f s of 3 s and 5 s of grace", time.Since(began).Seconds()), code
}

// closedOutput: the reader has closed its end, and the run continues to its end.
func closedOutput(f *faulty) (string, int) {
	f.deployment()
	f.tasks(`- {name: one, exec: {target: deployment/web, shell: "for i in $(seq 2000); do echo line $i; done; exit 3"}}
- {name: two, needs: [one], host: {command: ["true"]}}
`)
	cmd := exec.Command("sh", "-c", "kubectl-tasks run one 2>err | head -n 1; exit ${PIPESTATUS:-0}")
	cmd.Dir = f.dir
	cmd.Env = append(cmd.Environ(), "KUBECONFIG="+f.kubeconfig)
	out, _ := cmd.CombinedOutput()
	if strings.TrimSpace(string(out)) != "line 1" {
		f.Errorf("printed %q", out)
	}
	code, stdout, _ := f.run("status", "-o", "json")
	if code != 0 || !strings.Contains(stdout, `"exitCode": 3`) {
		f.Errorf("exit code %d of status\n%s", code, stdout)
	}
	return "the run is recorded to its end, with the real code", 3
}

// ran reports whether a task that makes the file of this name has.
func ran(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "ran"))
	return err == nil
}
