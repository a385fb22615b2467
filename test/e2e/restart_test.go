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

// TestRestarts kills the API server and the kubelet while programs run in pods; nothing runs beside it.
func TestRestarts(t *testing.T) {
	if os.Getenv("DEVCLUSTER") == "" {
		t.Skip("the servers of this cluster are not ours to kill")
	}
	runFaults(t, false, []faultCase{
		{1, "API server killed", restarted("kube-apiserver"), false},
		{2, "kubelet killed", restarted("kubelet"), false},
	})
}

// restarted kills a server in the middle of an exec, a pod and a Job: each ends with its program's own
// code, and what they print is complete.
func restarted(server string) func(*faulty) (string, int) {
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
		devcluster(f.T, "kill", server)
		devcluster(f.T, "up")
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
