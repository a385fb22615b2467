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
	"testing"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/crash"
)

// counted is a run of twelve steps, one of each executor at least, whose tasks count themselves in a
// pod. No task of it may run twice.
type counted struct {
	*faulty

	names []string
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

func newCounted(t *testing.T, name string) *counted {
	t.Helper()
	c := &counted{faulty: newFaulty(t, name), names: []string{"host", "exec", "pod", "job", "clone", "function", "late", "last"}}
	c.file("counter.yaml", counterPod)
	c.kubectl("apply", "-f", "counter.yaml")
	c.kubectl("rollout", "status", "deployment/counter")
	ip := c.kubectl("get", "pods", "-l", "app=counter", "-o", "jsonpath={.items[0].status.podIP}")
	count := func(name string) string { return "wget -q -O - http://" + ip + ":8080/cgi-bin/add?" + name }
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

func (c *counted) install(env ...string) *process {
	c.Helper()
	return c.startWith(env, "install", "web", filepath.Join(rootDir, "examples/web"), "--set", "replicas=1", "--yes")
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

// finish resumes the run until it has succeeded, and says of tasks whose end nobody saw what their counts
// tell. It fails the test when a task has run twice, or when something is left.
func (c *counted) finish() (resumes int, unknown []string) {
	c.Helper()
	var said []string
	for resumes = 1; ; resumes++ {
		if resumes > 12 {
			c.Fatal("it never succeeds")
		}
		code, _, stderr := c.run(append([]string{"resume", "--release", "web"}, said...)...)
		switch {
		case code == 3 && strings.Contains(stderr, "no such run"):
			// It died before there was a record, or after the end was recorded.
			if code, _, stderr := c.run("status", "--release", "web"); code != 0 {
				c.Logf("there is no record yet: %s", stderr)
				if code := c.install().end(2 * time.Minute); code != 0 {
					c.Fatalf("exit code %d of an install that begins anew", code)
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
	// A process that died while it gave its lock back leaves one that runs out.
	if left := strings.TrimPrefix(c.left(""), "lease kubectl-tasks.web"); left != "" {
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
	if code := c.install(crash.Log + "=" + log).end(2 * time.Minute); code != 0 {
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
			p := c.install(crash.At + "=" + strconv.Itoa(i))
			if code := p.end(2 * time.Minute); code != -1 {
				// Steps that run beside each other do not always meet the points in the same order.
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
