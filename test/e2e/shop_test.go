//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestShop takes examples/shop through its life: an install, an upgrade, one that fails and is rolled
// back, a rollback that takes back what was done, an uninstall. The order is that of the events' times.
func TestShop(t *testing.T) {
	t.Parallel()
	u := userDir(t, namespace(t, client(t), "shop"))
	shop := filepath.Join(rootDir, "examples/shop")
	steps := []struct {
		command string
		code    string
		// order are pairs "a < b": a ended before b started.
		order []string
		// prints are texts among what the tasks print, in order.
		prints []string
		says   string
	}{
		{
			command: "install shop " + shop + " --set image=busybox:test", code: "0",
			order:  []string{"helm/apply < ready/statefulset/db", "ready/statefulset/db < migrate", "migrate < helm/ready", "helm/ready < smoke", "smoke < announce"},
			prints: []string{"schema up to 1", "smoke test with schema 1", "shop: install Succeeded"},
		},
		{
			command: "upgrade shop " + shop + " --reuse-values --set version=2 --param SIZE=large", code: "0",
			order:  []string{"backup < helm/apply", "helm/apply < migrate", "migrate < helm/ready", "helm/ready < warm", "warm < smoke", "smoke < announce"},
			prints: []string{"schema up to 2", "version 2", "version 2", "smoke test with schema 2", "shop: upgrade Succeeded"},
		},
		{
			command: "upgrade shop " + shop + " --reuse-values --set version=3,broken=true", code: "6",
			order:  []string{"backup < helm/apply", "migrate < smoke", "smoke < undo/migrate", "undo/migrate < helm/rollback", "helm/rollback < announce"},
			prints: []string{"schema up to 3", "smoke test with schema 3", "schema down from 3", "shop: upgrade Failed"},
			says:   "rolled back to revision 2",
		},
		{
			command: "rollback shop 1", code: "0",
			order:  []string{"undo/2/migrate < helm/apply", "helm/apply < announce"},
			prints: []string{"schema down from 2", "shop: rollback Succeeded"},
		},
		{
			command: "uninstall shop", code: "0",
			order:  []string{"helm/delete < announce"},
			prints: []string{"shop: uninstall Succeeded"},
		},
	}
	for _, s := range steps {
		out, err := u.bash("rm -f events; code=0; kubectl tasks " + s.command + " -t " + shop + "/tasks.yaml --events events || code=$?; echo \"code $code\"")
		if err != nil || !strings.Contains(out, "\ncode "+s.code+"\n") || !strings.Contains(out, s.says) {
			t.Fatalf("%s: %v, want code %s and %q\n%s", s.command, err, s.code, s.says, out)
		}
		events := readEvents(t, filepath.Join(u.dir, "events"))
		checkOrder(t, s.command, events, s.order)
		var printed []string
		for _, e := range events {
			if e.Type == "output" && e.Stream == task.Stdout {
				printed = append(printed, strings.TrimSpace(e.Text))
			}
		}
		if got, want := strings.Join(printed, "\n"), strings.Join(s.prints, "\n"); got != want {
			t.Errorf("%s printed\n%s\nwant\n%s", s.command, got, want)
		}
	}
	if left, err := u.bash("kubectl get all,secrets,configmaps -o name | grep -v kube-root-ca || true"); err != nil || strings.TrimSpace(left) != "" {
		t.Logf("still there: %s %v", left, err)
	}
	if left, _ := u.bash("kubectl get secrets -o name"); strings.TrimSpace(left) != "" {
		t.Errorf("left: %s", left)
	}
}

func readEvents(t *testing.T, path string) []report.Event {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var events []report.Event
	for line := range strings.Lines(string(text)) {
		var e report.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		events = append(events, e)
	}
	return events
}

// checkOrder fails for each pair "a < b" of which a did not end before b started.
func checkOrder(t *testing.T, what string, events []report.Event, order []string) {
	t.Helper()
	find := func(step, kind string) (report.Event, bool) {
		for _, e := range events {
			if e.Step == step && e.Type == kind {
				return e, true
			}
		}
		t.Errorf("%s: %s never %s", what, step, kind)
		return report.Event{}, false
	}
	for _, pair := range order {
		first, second, _ := strings.Cut(pair, " < ")
		a, ok := find(first, "ended")
		b, ok2 := find(second, "started")
		if ok && ok2 && b.Time.Before(a.Time) {
			t.Errorf("%s: %s started at %s, before %s ended at %s", what, second, b.Time, first, a.Time)
		}
	}
}
