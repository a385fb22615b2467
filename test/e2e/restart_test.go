//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// devcluster runs the command of the development cluster.
func devcluster(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"run", "-trimpath", "."}, args...)...)
	cmd.Dir = os.Getenv("DEVCLUSTER")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("devcluster %v: %v\n%s", args, err, out)
	}
}

// TestRestarts kills the API server and the kubelet while programs run in pods; nothing runs in parallel.
func TestRestarts(t *testing.T) {
	if os.Getenv("DEVCLUSTER") == "" {
		t.Skip("the servers of this cluster are not ours to kill")
	}
	runFaults(t, false, []faultCase{
		{1, "API server killed", restarted(func(f *faulty) {
			devcluster(f.T, "kill", "kube-apiserver")
			devcluster(f.T, "up")
		}), false},
		{2, "kubelet killed", restarted(func(f *faulty) {
			devcluster(f.T, "kill", "kubelet")
			devcluster(f.T, "up")
		}), false},
		{6, "etcd stands still, three times for 3 s", restarted(func(f *faulty) {
			for range 3 {
				devcluster(f.T, "freeze", "etcd", "3s")
			}
		}), false},
		{20, "the node is lost, and its pods are deleted", nodeLost, false},
	})
}

// nodeLost: when a node is gone, nobody knows how its pods end; that is said, and nothing is started in their
// place as long as they may run.
func nodeLost(f *faulty) (string, int) {
	f.tasks(`- {name: pod, timeout: 20s, pod: {spec: {containers: [{name: main, image: "busybox:test", command: [sh, -c, "echo begun pod; sleep 1000"]}]}}}
- {name: job, timeout: 20s, retries: 0, job: {spec: {backoffLimit: 3, template: {spec: {restartPolicy: Never, containers: [{name: main, image: "busybox:test", command: [sh, -c, "echo begun job; sleep 1000"]}]}}}}}
`)
	p := f.start("run", "pod", "job", "--keep-going")
	p.says("| begun pod")
	p.says("| begun job")
	devcluster(f.T, "kill", "kubelet")
	f.Cleanup(func() { devcluster(f.T, "up") })
	f.kubectl("delete", "pods", "--all", "--wait=false") // as the cluster does after minutes, unless all nodes are lost
	code := p.end(4 * time.Minute)
	if pods := strings.Fields(f.kubectl("get", "pods", "-o", "name")); len(pods) != 2 {
		f.Errorf("there are the pods %v", pods)
	}
	devcluster(f.T, "up")
	f.kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=2m")
	if said := p.errOut.String(); code != 5 || !strings.Contains(said, "pod: UNKNOWN") || !strings.Contains(said, "job: UNKNOWN") || !strings.Contains(said, "the pod is terminating: another client deleted the pod") {
		f.Errorf("exit code %d", code)
	}
	return "unknown; no second pod beside one that may run", code
}

// restarted breaks a server in the middle of an exec, a pod and a Job: each ends with its program's own
// code, and what they print is complete.
func restarted(fault func(*faulty)) func(*faulty) (string, int) {
	return func(f *faulty) (string, int) {
		f.deployment()
		f.tasks(`- {name: executed, exec: {target: deployment/web, shell: "for i in $(seq 15); do echo executed $i; sleep 1; done; exit 7"}}
- {name: pod, pod: {image: busybox:test, command: [sh, -c, "for i in $(seq 15); do echo pod $i; sleep 1; done; exit 8"]}}
- {name: job, job: {image: busybox:test, command: [sh, -c, "for i in $(seq 15); do echo job $i; sleep 1; done; exit 9"]}}
`)
		p := f.start("run", "executed", "pod", "job", "--keep-going")
		p.says("executed 3")
		p.says("pod 3")
		p.says("job 3")
		fault(f)
		code := p.end(3 * time.Minute)
		printed := p.out.String() + p.errOut.String()
		for name, status := range map[string]string{"executed": "exit status 7", "pod": "exit status 8", "job": "exit status 9"} {
			if !strings.Contains(printed, name+": FAILED") || !strings.Contains(printed, status) {
				f.Errorf("%s has not ended with %s", name, status)
			}
			for i := 1; i <= 15; i++ {
				line := "| " + name + " " + strconv.Itoa(i) + "\n"
				if n := strings.Count(printed, line); n != 1 {
					f.Errorf("%q is printed %d times", line, n)
				}
			}
		}
		if code != 1 {
			f.Errorf("exit code %d", code)
		}
		return "each program's own code, each line once", code
	}
}
