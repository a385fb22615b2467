//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/test/fault"
)

// TestFaults breaks what a run depends on, and looks at what it then says and leaves. The numbers are the
// rows of docs/reliability.md.
func TestFaults(t *testing.T) {
	runFaults(t, true, []faultCase{
		{2, "exec connections reset while the command runs", execReset, false},
		{3, "exec, logs and watches in the dark", dark, false},
		{5, "every fifth request is answered 429", busy, false},
		{5, "every seventh request is answered 500", broken, false},
		{5, "a line that is slow and late", slow, false},
		{7, "the answer to each create is lost", lostAnswers, false},
		{8, "SIGINT once", interruptOnce, false},
		{11, "SIGKILL in the middle of a clone, then resume", killedClone, false},
		{11, "SIGKILL while a workload is awake for a task", killedAwake, false},
		{21, "the pod is deleted by hand", deletedPod, false},
		{28, "the owner of the lock is dead", deadOwner, false},
		{28, "a pod of a dead run still runs", stillRuns, false},
		{29, "the owner of the lock sleeps, and wakes", pausedOwner, false},
		{30, "the release is pending at the start", pendingRelease, false},
		{32, "a Role with each verb missing in turn", minusOneVerb, false},
		{43, "what a cancelled exec started", cancelledExec, false},
	})
}

// execReset: the exit code is the program's, and its output complete, however often the connection is
// lost.
func execReset(f *faulty) (string, int) {
	f.deployment()
	proxy := f.behind()
	const lines = 12
	script := fmt.Sprintf("for i in $(seq %d); do echo line $i; echo error $i >&2; sleep 0.25; done; exit 7", lines)
	p := f.start("run", "--exec", "deployment/web", "--", "sh", "-c", script)
	p.says("line 1\n")
	cuts := 0
	for range 3 {
		p.says(fmt.Sprintf("line %d\n", 3+3*cuts))
		proxy.Cut()
		cuts++
	}
	if code := p.end(time.Minute); code != 7 {
		f.Errorf("exit code %d, want 7", code)
	}
	var out, errs strings.Builder
	for i := 1; i <= lines; i++ {
		fmt.Fprintf(&out, "line %d\n", i)
		fmt.Fprintf(&errs, "error %d\n", i)
	}
	if p.out.String() != out.String() {
		f.Errorf("standard output is not what the program printed:\n%s", p.out)
	}
	if !strings.Contains(p.errOut.String(), errs.String()) {
		f.Errorf("standard error is not what the program printed:\n%s", p.errOut)
	}
	return fmt.Sprintf("the program's own code after %d cuts, each line once", cuts), 7
}

// dark: a connection that says nothing any more is noticed, and the run continues when the network is back.
func dark(f *faulty) (string, int) {
	f.deployment()
	proxy := f.behind()
	p := f.start("run", "--exec", "deployment/web", "--", "sh", "-c", "echo begin; sleep 5; echo end; exit 3")
	p.says("begin")
	proxy.Dark()
	began := time.Now()
	time.AfterFunc(25*time.Second, proxy.Light)
	code := p.end(2 * time.Minute)
	if code != 3 || p.out.String() != "begin\nend\n" {
		f.Errorf("exit code %d, printed %q", code, p.out)
	}
	return fmt.Sprintf("seen again %.0f s after 25 s of darkness", time.Since(began).Seconds()-25), code
}

// busy: requests that the server has no time for are made again, and nothing is made twice.
func busy(f *faulty) (string, int) {
	proxy := f.behind()
	proxy.Break(every(5, fault.Busy))
	f.tasks(`- {name: one, phase: pre-install, pod: {image: busybox:test, command: [sh, -c, "echo once"]}}
- {name: two, phase: post-install, exec: {target: deployment/web, shell: "echo twice"}}
`)
	code, _, stderr := f.run("install", "web", filepath.Join(rootDir, "examples/web"), "--set", "replicas=1")
	if code != 0 || strings.Count(stderr, "| once") != 1 {
		f.Errorf("exit code %d", code)
	}
	return "the run succeeds, later", code
}

// broken: requests that the server cannot answer now are repeated.
func broken(f *faulty) (string, int) {
	proxy := f.behind()
	f.tasks(`- {name: one, pod: {image: busybox:test, command: [sh, -c, "echo once; exit 3"]}}
- {name: two, job: {image: busybox:test, command: [sh, -c, "echo twice; exit 4"]}}
`)
	rule := every(7, fault.Broken)
	proxy.Break(func(r *http.Request) fault.Fault {
		if strings.Contains(r.URL.Path, "/apis") && !strings.Contains(r.URL.Path, f.namespace) {
			return fault.Pass // what says 500 before anything was begun is an answer
		}
		return rule(r)
	})
	code, stdout, stderr := f.run("run", "one", "two", "--keep-going")
	for _, line := range []string{"| once\n", "| twice\n"} {
		if strings.Count(stdout, line) > 1 {
			f.Errorf("%q is printed %d times", line, strings.Count(stdout, line))
		}
	}
	if code != 1 || !strings.Contains(stderr, "exit status 3") || !strings.Contains(stderr, "exit status 4") {
		f.Errorf("exit code %d", code)
	}
	return "asked again, nothing made twice", code
}

// slow: a line that is bad, but a line.
func slow(f *faulty) (string, int) {
	f.deployment()
	proxy := f.behind()
	proxy.Slow(100*time.Millisecond, 64<<10)
	code, stdout, _ := f.run("run", "--exec", "deployment/web", "--", "sh", "-c", "seq 1 30000; exit 7")
	if code != 7 || strings.Count(stdout, "\n") != 30000 || !strings.HasSuffix(stdout, "\n30000\n") {
		f.Errorf("exit code %d, %d lines", code, strings.Count(stdout, "\n"))
	}
	f.tasks("- {name: one, pod: {image: busybox:test, command: [sh, -c, \"seq 1 30000; exit 3\"]}}\n")
	if code, stdout, _ := f.run("run", "one"); code != 3 || strings.Count(stdout, "\n") != 30000 {
		f.Errorf("exit code %d of a pod, %d lines", code, strings.Count(stdout, "\n"))
	}
	return "later, complete", code
}

// every has a fault happen to each nth request.
func every(n int, what fault.Fault) fault.Rule {
	var count sync.Mutex
	i := 0
	return func(*http.Request) fault.Fault {
		count.Lock()
		defer count.Unlock()
		if i++; i%n == 0 {
			return what
		}
		return fault.Pass
	}
}

// lostAnswers: an object whose creation was done, and not confirmed, is found to be ours.
func lostAnswers(f *faulty) (string, int) {
	proxy := f.behind()
	var mu sync.Mutex
	lost := map[string]bool{}
	proxy.Break(func(r *http.Request) fault.Fault {
		mu.Lock()
		defer mu.Unlock()
		name := r.Method + r.URL.Path
		if (r.Method == http.MethodPost || r.Method == http.MethodPut) && !lost[name] && !strings.Contains(name, "reviews") && !strings.Contains(name, "/exec") {
			lost[name] = true
			return fault.Lose
		}
		return fault.Pass
	})
	f.tasks(`- {name: one, phase: pre-deploy, pod: {image: busybox:test, command: [sh, -c, "echo pod"]}}
- {name: two, phase: pre-deploy, needs: [one], job: {image: busybox:test, command: [sh, -c, "echo job"]}}
`)
	code, stdout, stderr := f.run("run", "one", "two")
	printed := stdout + stderr
	if code != 0 || strings.Count(printed, "| pod") != 1 || strings.Count(printed, "| job") != 1 {
		f.Errorf("exit code %d", code)
	}
	mu.Lock()
	defer mu.Unlock()
	return fmt.Sprintf("nothing made twice after %d lost answers", len(lost)), code
}

// interruptOnce: what runs is stopped and removed, what is to run at the end does, and the record says
// what became of it.
func interruptOnce(f *faulty) (string, int) {
	f.tasks(`- {name: long, phase: pre-install, pod: {image: busybox:test, command: [sh, -c, "echo begun; sleep 1000"]}}
- {name: last, phase: finally, host: {command: [echo, "ended ${run.status}"]}}
`)
	p := f.start("install", "web", filepath.Join(rootDir, "examples/web"))
	p.says("| begun")
	began := time.Now()
	_ = p.Process.Signal(syscall.SIGINT)
	code := p.end(30 * time.Second)
	if took := time.Since(began); code != 130 || took > 15*time.Second || !strings.Contains(p.errOut.String(), "| ended Cancelled") {
		f.Errorf("exit code %d after %s", code, took)
	}
	if _, stdout, _ := f.run("history"); !strings.Contains(stdout, "Cancelled") {
		f.Errorf("history:\n%s", stdout)
	}
	return "stopped and removed, recorded as cancelled", code
}

// killedClone: a resumed run follows the same pod, and repeats nothing.
func killedClone(f *faulty) (string, int) {
	f.tasks(`- {name: before, phase: pre-install, pod: {image: busybox:test, command: [sh, -c, "echo before"]}}
- {name: copy, phase: post-install, clone: {from: deployment/web, command: [sh, -c, "for i in 1 2 3 4 5; do echo step $i; sleep 1; done"]}}
`)
	p := f.start("install", "web", filepath.Join(rootDir, "examples/web"), "--set", "replicas=1")
	p.says("| step 2")
	uid := f.kubectl("get", "pods", "-l", "kubectl-tasks.io/task=copy", "-o", "jsonpath={.items[*].metadata.uid}")
	_ = p.Process.Kill()
	p.end(time.Minute)
	code, stdout, stderr := f.run("resume", "--chart", filepath.Join(rootDir, "examples/web"))
	if code != 0 || !strings.Contains(stderr, "UID "+uid) || strings.Contains(stderr, "| before") || !strings.Contains(stderr, "| step 5") || !strings.Contains(stdout, "STATUS: deployed") {
		f.Errorf("exit code %d, the pod's UID is %s", code, uid)
	}
	return "the same pod is followed, what was done is not repeated", code
}

// killedAwake: what a run that died has scaled up for a task is scaled back by who goes on with it, and by who
// cancels it.
func killedAwake(f *faulty) (string, int) {
	f.deployment()
	f.tasks("- {name: woken, exec: {target: deployment/web, scale: true, shell: \"echo begun; sleep 4; echo over\"}}\n")
	replicas := func() string { return f.kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}") }
	die := func() {
		f.kubectl("scale", "deployment/web", "--replicas=0")
		f.kubectl("wait", "--for=delete", "pod", "-l", "app=web", "--timeout=60s")
		p := f.start("run", "woken")
		p.says("begun")
		_ = p.Process.Kill()
		p.end(time.Minute)
		if n := replicas(); n != "1" {
			f.Errorf("%s replicas after the kill", n)
		}
	}
	die()
	code, stdout, stderr := f.run("resume")
	if code != 0 || !strings.Contains(stdout, "over") || !strings.Contains(stderr, "deployment/web is scaled to zero again") || replicas() != "0" {
		f.Errorf("exit code %d of resume, %s replicas", code, replicas())
	}
	die()
	if code, _, stderr := f.run("cancel"); code != 0 || !strings.Contains(stderr, "deployment/web is scaled to zero again") || replicas() != "0" {
		f.Errorf("exit code %d of cancel, %s replicas", code, replicas())
	}
	return "scaled back by resume, and by cancel", code
}

// deletedPod: a pod that another client deletes has an unknown result, which is reported at once.
func deletedPod(f *faulty) (string, int) {
	f.tasks("- {name: gone, phase: pre-install, pod: {image: busybox:test, command: [sh, -c, \"echo begun; sleep 1000\"]}}\n")
	p := f.start("run", "gone")
	p.says("begun")
	f.kubectl("delete", "pod", "-l", "kubectl-tasks.io/task=gone", "--grace-period=0", "--force")
	code := p.end(20 * time.Second)
	if code != 5 {
		f.Errorf("exit code %d, want 5", code)
	}
	return "unknown, at once", code
}

// cancelledExec: nothing of a command that is stopped goes on in its container, not even what it has
// started itself and what does not listen to TERM.
func cancelledExec(f *faulty) (string, int) {
	f.deployment()
	p := f.start("run", "--exec", "deployment/web", "--", "sh", "-c", "sh -c 'trap \"\" TERM; sleep 4242; sleep 4242' & sleep 4343 & echo begun; wait")
	p.says("begun")
	_ = p.Process.Signal(syscall.SIGTERM)
	code := p.end(30 * time.Second)
	if code != 143 {
		f.Errorf("exit code %d, want 143", code)
	}
	if processes := f.kubectl("exec", "deployment/web", "--", "sh", "-c", "ps; ls /tmp"); strings.Contains(processes, "4242") || strings.Contains(processes, "4343") || strings.Contains(processes, "kubectl-tasks-") {
		f.Errorf("in the container there is still\n%s", processes)
	}
	return "no process and no file is left in the container", code
}

// minusOneVerb: with the Role that plan --rbac prints the run is green; with one of its needed verbs
// missing it says which, and how to get it, and does nothing but read and ask.
func minusOneVerb(f *faulty) (string, int) {
	f.tasks(`- {name: one, phase: pre-install, pod: {image: busybox:test, command: [echo, one]}}
- {name: two, phase: post-install, exec: {target: deployment/web, command: [echo, two]}}
`)
	chart := filepath.Join(rootDir, "examples/web")
	code, role, _ := f.run("plan", "install", "web", chart, "--rbac")
	if code != 0 {
		f.Fatalf("exit code %d of plan --rbac", code)
	}
	f.kubectl("create", "serviceaccount", "weak")
	as := "--as=system:serviceaccount:" + f.namespace + ":weak"
	bind := fmt.Sprintf("---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: weak, namespace: %[1]s}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: kubectl-tasks-web}\nsubjects: [{kind: ServiceAccount, name: weak, namespace: %[1]s}]\n", f.namespace)
	apply := func(role string) {
		f.file("role.yaml", role+bind)
		f.kubectl("apply", "-f", "role.yaml")
	}
	proxy := f.behind()
	refused := 0
	for _, without := range []struct{ resource, verb string }{
		{"pods/exec", "create"}, {"pods", "create"}, {"pods", "watch"}, {"pods", "delete"}, {"replicasets", "list"}, {"deployments", "create"}, {"services", "patch"}, {"configmaps", "delete"},
	} {
		apply(withoutVerb(f, role, without.resource, without.verb))
		seen := len(proxy.Seen())
		code, _, stderr := f.run("install", "web", chart, "--set", "replicas=1", as)
		name, sub, _ := strings.Cut(without.resource, "/")
		if code != 4 || !strings.Contains(stderr, "cannot "+without.verb+" "+name) || !strings.Contains(stderr, "kind: RoleBinding") || !strings.Contains(stderr, sub) {
			f.Errorf("without %v: exit code %d\n%s", without, code, stderr)
		}
		for _, request := range proxy.Seen()[seen:] {
			if !strings.HasPrefix(request, "GET ") && !strings.HasSuffix(request, "reviews") {
				f.Errorf("without %v: %s", without, request)
			}
		}
		refused++
	}
	apply(role)
	if code, _, stderr := f.run("install", "web", chart, "--set", "replicas=1", as); code != 0 {
		f.Errorf("with the whole Role: exit code %d\n%s", code, stderr)
	}
	return fmt.Sprintf("refused %d times with what is missing, nothing changed; green with the Role", refused), 4
}

// withoutVerb returns a Role without a verb for a resource.
func withoutVerb(f *faulty, role, resource, verb string) string {
	f.Helper()
	var parsed rbacv1.Role
	if err := yaml.Unmarshal([]byte(role), &parsed); err != nil {
		f.Fatal(err)
	}
	var rules []rbacv1.PolicyRule
	found := false
	for _, rule := range parsed.Rules {
		for _, r := range rule.Resources {
			verbs := slices.Clone(rule.Verbs)
			if r == resource {
				verbs = slices.DeleteFunc(verbs, func(v string) bool { return v == verb })
				found = found || len(verbs) < len(rule.Verbs)
			}
			if len(verbs) == 0 {
				continue
			}
			rules = append(rules, rbacv1.PolicyRule{APIGroups: rule.APIGroups, Resources: []string{r}, Verbs: verbs})
		}
	}
	if !found {
		f.Fatalf("the Role has no %s for %s:\n%s", verb, resource, role)
	}
	parsed.Rules = rules
	text, err := yaml.Marshal(parsed)
	if err != nil {
		f.Fatal(err)
	}
	return string(text)
}
