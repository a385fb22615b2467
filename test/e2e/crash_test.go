//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/failpoint"
)

// counted is a run of twelve steps, one of each executor at least, whose tasks count themselves in a
// pod. No task of it may run twice.
type counted struct {
	*faulty

	names []string
	// begin starts the run.
	begin func(env ...string) *process
	// release chooses it among others, and again has the arguments that its resumption repeats.
	release, again []string
}

// counterPod serves a page that writes down what it is asked for.
const counterPod = `apiVersion: apps/v1
kind: Deployment
metadata: {name: counter}
spec:
  selector: {matchLabels: {app: counter}}
  template:
    metadata: {labels: {app: counter}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: app
        image: busybox:test
        command: [sh, -c]
        args:
        - |
          mkdir -p /www/cgi-bin && : >/www/log
          printf '#!/bin/sh\necho "$QUERY_STRING" >>/www/log\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\necho counted "$QUERY_STRING"\n' >/www/cgi-bin/add
          chmod +x /www/cgi-bin/add
          exec httpd -f -p 8080 -h /www
        readinessProbe: {httpGet: {path: /log, port: 8080}, periodSeconds: 1}
`

// counter starts what counts, and returns the command that counts a task there, and its address.
func (f *faulty) counter() (count func(name string) string, ip string) {
	f.Helper()
	f.file("counter.yaml", counterPod)
	f.kubectl("apply", "-f", "counter.yaml")
	f.kubectl("rollout", "status", "deployment/counter")
	ip = f.kubectl("get", "pods", "-l", "app=counter", "-o", "jsonpath={.items[0].status.podIP}")
	return func(name string) string { return "wget -q -O - http://" + ip + ":8080/cgi-bin/add?" + name }, ip
}

func newCounted(t *testing.T, name string) *counted {
	t.Helper()
	c := &counted{faulty: newFaulty(t, name), names: []string{"host", "exec", "pod", "job", "clone", "function", "late", "last"}, release: []string{"--release", "web"}}
	c.again = []string{"--chart", filepath.Join(rootDir, "examples/web"), "--yes", "--allow-host-tasks"}
	c.begin = func(env ...string) *process {
		return c.startWith(env, "install", "web", filepath.Join(rootDir, "examples/web"), "--set", "replicas=1", "--yes")
	}
	count, ip := c.counter()
	c.tasks(fmt.Sprintf(`
- {name: host, phase: pre-install, host: {shell: %q}}
- {name: ready, phase: pre-install, needs: [host], wait: {object: deployment/counter, for: condition=Available}}
- {name: ask, phase: pre-install, needs: [host], approve: {message: "go on?"}}
- {name: exec, phase: pre-install, needs: [ready], exec: {target: deployment/counter, shell: %q}}
- {name: pod, phase: pre-install, needs: [exec, ask], pod: {image: busybox:test, command: [sh, -c, %q]}}
- {name: job, phase: pre-install, needs: [exec], job: {image: busybox:test, command: [sh, -c, %q]}}
- {name: clone, phase: mid-install, clone: {from: deployment/counter, command: [sh, -c, %q]}}
- {name: function, phase: mid-install, function: {runtime: python, image: "python:test", code: %q}}
- {name: late, phase: post-install, exec: {target: deployment/web, shell: %q}}
- {name: last, phase: finally, host: {shell: %q}}
`, "kubectl exec deployment/counter -- sh -c 'echo host >>/www/log'", "echo exec >>/www/log", count("pod"), count("job"), count("clone"),
		"import urllib.request\nurllib.request.urlopen('http://"+ip+":8080/cgi-bin/add?function').read()\n", count("late"),
		"kubectl exec deployment/counter -- sh -c 'echo last >>/www/log'"))
	return c
}

// counts returns how often each task has run.
func (c *counted) counts() map[string]int {
	c.Helper()
	counts := map[string]int{}
	for name := range strings.FieldsSeq(c.kubectl("exec", "deployment/counter", "--", "cat", "/www/log")) {
		counts[name]++
	}
	return counts
}

// finish resumes the run until it has succeeded, and marks tasks with an unknown result as their counts
// tell. It fails the test when a task has run twice, or when something is left.
func (c *counted) finish() (resumes int, unknown []string) {
	c.Helper()
	var said []string
	for resumes = 1; ; resumes++ {
		if resumes > 12 {
			c.Fatal("it never succeeds")
		}
		code, _, stderr := c.run(slices.Concat([]string{"resume"}, c.release, c.again, said)...)
		switch {
		case code == 3 && strings.Contains(stderr, "no such run"):
			// It died before there was a record, or after the end was recorded.
			if code, _, stderr := c.run(append([]string{"status"}, c.release...)...); code != 0 {
				c.Logf("there is no record yet: %s", stderr)
				if code := c.begin().end(2 * time.Minute); code != 0 {
					c.Fatalf("exit code %d of a run that begins anew", code)
				}
			}
			code = 0
		case code == 5:
			counts := c.counts()
			for _, name := range c.names {
				if strings.Contains(stderr, "\n"+name+": UNKNOWN") {
					unknown = append(unknown, name)
					if counts[name] > 0 {
						said = append(said, "--done", name)
					} else {
						said = append(said, "--again", name)
					}
				}
			}
			continue
		case code != 0:
			c.Fatalf("exit code %d of resume\n%s", code, stderr)
		}
		if code == 0 {
			break
		}
	}
	counts := c.counts()
	for _, name := range c.names {
		most := 1
		if name == "last" {
			most = resumes // each end of a run has its own
		}
		if n := counts[name]; n < 1 || n > most {
			c.Errorf("%s has run %d times", name, n)
		}
	}
	// A process that died while it gave its lock back leaves one that runs out, or that goes with its run's record.
	left := strings.TrimPrefix(c.left(""), "lease kubectl-tasks.web")
	if run, own := strings.CutPrefix(left, "lease kubectl-tasks.run."); own && c.kubectl("get", "secrets", "--ignore-not-found", "-o", "name", "kubectl-tasks.run."+run) != "" {
		left = ""
	}
	if left != "" {
		c.Errorf("left: %s", left)
	}
	return resumes, unknown
}

// TestCrashPoints kills the program before and after everything that it writes or does, one run for each,
// and goes on with the run: each task runs once, or is said to be unknown, and nothing is left.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	c := newCounted(t, "points")
	log := filepath.Join(t.TempDir(), "points")
	if code := c.begin(failpoint.Log + "=" + log).end(2 * time.Minute); code != 0 {
		t.Fatalf("exit code %d without a crash", code)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	points := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(points) < 40 {
		t.Fatalf("only %d points", len(points))
	}
	chosen := everyPoint(len(points))
	for _, i := range chosen {
		t.Run(fmt.Sprintf("%03d %s", i, points[i-1]), func(t *testing.T) {
			t.Parallel()
			c := newCounted(t, "point")
			p := c.begin(failpoint.At + "=" + strconv.Itoa(i))
			if code := p.end(2 * time.Minute); code != -1 {
				// Steps that run in parallel do not always meet the points in the same order.
				t.Logf("the run ended with %d before point %d", code, i)
			}
			resumes, unknown := c.finish()
			t.Logf("%d resumes, unknown: %v", resumes, unknown)
		})
	}
}

// everyPoint returns the points to walk: all with $SOAK, else each fifth, from another one each day.
func everyPoint(n int) []int {
	var all []int
	for i := 1; i <= n; i++ {
		all = append(all, i)
	}
	if os.Getenv("SOAK") != "" {
		return all
	}
	const share = 5
	offset := rand.IntN(share)
	return slices.DeleteFunc(all, func(i int) bool { return i%share != offset })
}

// TestRandomKills kills runs at any time, a hundred of them, a thousand with $SOAK, and goes on with each: no
// task of theirs runs twice, and nothing is left.
func TestRandomKills(t *testing.T) {
	kills, workers := 100, 4
	if os.Getenv("SOAK") != "" {
		kills = 1000
	}
	t.Parallel()
	var working sync.WaitGroup
	defer working.Wait()
	worker := func(w int) { // they wait more than they work, so that all go at once
		t.Run(strconv.Itoa(w), func(t *testing.T) {
			c := &counted{faulty: newFaulty(t, "kills"), names: []string{"exec", "pod", "job", "last"}}
			c.begin = func(env ...string) *process { return c.startWith(env, "run", "exec", "pod", "job", "last") }
			count, _ := c.counter()
			c.tasks(fmt.Sprintf(`
- {name: exec, exec: {target: deployment/counter, shell: "echo exec >>/www/log; sleep 1"}}
- {name: pod, needs: [exec], pod: {image: busybox:test, command: [sh, -c, %q]}}
- {name: job, needs: [exec], job: {image: busybox:test, command: [sh, -c, %q]}}
- {name: last, needs: [pod, job], exec: {target: deployment/counter, shell: "echo last >>/www/log"}}
`, count("pod"), count("job")))
			began := time.Now()
			if code := c.begin().end(time.Minute); code != 0 {
				t.Fatalf("exit code %d without a kill", code)
			}
			whole := time.Since(began)
			for i := range kills / workers {
				c.kubectl("delete", "secrets,leases", "-l", "app.kubernetes.io/managed-by=kubectl-tasks")
				c.kubectl("exec", "deployment/counter", "--", "sh", "-c", ": >/www/log")
				p := c.begin()
				after := time.Duration(rand.Int64N(int64(whole)))
				kill := time.AfterFunc(after, func() { _ = p.Process.Kill() })
				p.end(time.Minute)
				kill.Stop()
				resumes, unknown := c.finish()
				t.Logf("%d: killed after %s, %d resumes, unknown: %v", i, after, resumes, unknown)
			}
		})
	}
	for w := range workers {
		working.Go(func() { worker(w) })
	}
}
