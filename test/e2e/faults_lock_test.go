//go:build e2e

package e2e

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/test/fault"
)

// TestLockFaults is about requests for locks and records that are lost, or answered with errors.
func TestLockFaults(t *testing.T) {
	t.Parallel()
	about := func(r *http.Request, method, resource string) bool {
		return (method == "" || r.Method == method) && strings.Contains(r.URL.Path, "/"+resource)
	}
	t.Run("a server that answers 500 is asked a few times", func(t *testing.T) {
		t.Parallel()
		f := newFaulty(t, "lock-500")
		f.tasks("- {name: one, exec: {target: deployment/web, command: [echo, one]}}\n")
		proxy := f.behind()
		proxy.Break(func(r *http.Request) fault.Fault {
			if about(r, "", "leases") {
				return fault.Broken
			}
			return fault.Pass
		})
		began := time.Now()
		code, _, stderr := f.run("run", "one", "--release", "web")
		asked := 0
		for _, request := range proxy.Seen() {
			if strings.Contains(request, "/leases") {
				asked++
			}
		}
		if took := time.Since(began); code != 4 || asked > 60 || took > 40*time.Second || !strings.Contains(stderr, "the proxy says so") {
			t.Errorf("exit code %d after %s and %d requests for the lock\n%s", code, took, asked, stderr)
		}
	})
	t.Run("the answer to giving the lock back is lost", func(t *testing.T) {
		t.Parallel()
		f := newFaulty(t, "lock-lost")
		f.deployment()
		f.tasks("- {name: one, exec: {target: deployment/web, shell: \"echo begun; sleep 6\"}}\n")
		proxy := f.behind()
		p := f.start("run", "one", "--release", "web")
		p.says("begun")
		// The server renews the lock, and gives it back, and the program hears of neither.
		proxy.Break(func(r *http.Request) fault.Fault {
			if about(r, http.MethodPut, "leases") || about(r, http.MethodDelete, "leases") {
				return fault.Lose
			}
			return fault.Pass
		})
		if code := p.end(time.Minute); code != 0 {
			t.Errorf("exit code %d", code)
		}
		proxy.Break(nil)
		if left := f.left(""); left != "" {
			t.Errorf("left: %s", left)
		}
	})
	t.Run("Ctrl-C while the record cannot be written", func(t *testing.T) {
		t.Parallel()
		f := newFaulty(t, "journal-stop")
		f.deployment()
		f.tasks("- {name: one, exec: {target: deployment/web, shell: \"echo begun; sleep 1\"}}\n- {name: two, needs: [one], exec: {target: deployment/web, command: [echo, two]}}\n")
		proxy := f.behind()
		p := f.start("run", "one", "two", "--release", "web")
		p.says("begun")
		proxy.Break(func(r *http.Request) fault.Fault {
			if about(r, http.MethodPut, "secrets") {
				return fault.Broken
			}
			return fault.Pass
		})
		p.says("one: echo begun; sleep 1")
		<-time.After(3 * time.Second) // its end is being written
		began := time.Now()
		_ = p.Process.Signal(syscall.SIGINT)
		code := p.end(time.Minute)
		if took := time.Since(began); code != 130 || took > 30*time.Second || strings.Contains(p.errOut.String(), "| two") {
			t.Errorf("exit code %d after %s\n%s", code, took, p.errOut)
		}
		proxy.Break(nil)
		if code, _, stderr := f.run("cancel", "--release", "web"); code != 0 {
			t.Errorf("exit code %d of cancel\n%s", code, stderr)
		}
	})
}
