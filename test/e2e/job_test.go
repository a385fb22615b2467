//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
)

// TestSidecar: a Job whose sidecar never ends is over within three seconds of the end of its main
// container, with its exit code, and leaves nothing.
func TestSidecar(t *testing.T) { // alone: it is about time
	for name, sidecar := range map[string]string{
		"container":             `containers: [{name: main, image: "busybox:test", command: [sh, -c, "s=$(date +%s); while [ $(date +%s) = $s ]; do sleep 0.02; done; date +%s; exit 3"]}, {name: side, image: "busybox:test", command: [sleep, "3600"]}]`,
		"restartable-container": `containers: [{name: main, image: "busybox:test", command: [sh, -c, "s=$(date +%s); while [ $(date +%s) = $s ]; do sleep 0.02; done; date +%s; exit 3"]}], initContainers: [{name: side, restartPolicy: Always, image: "busybox:test", command: [sleep, "3600"]}]`,
	} {
		t.Run(name, func(t *testing.T) {
			cluster := client(t)
			ns := namespace(t, cluster, "sidecar")
			u := userDir(t, ns)
			tasks := "apiVersion: kubectl-tasks.io/v1alpha1\nkind: Tasks\ntasks:\n- {name: t, job: {spec: {template: {spec: {" + sidecar + "}}}}}\n"
			if err := os.WriteFile(filepath.Join(u.dir, "tasks.yaml"), []byte(tasks), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := u.bash("code=0; kubectl tasks run t -o json 2> log || code=$?; test $code = 3 || { cat log; exit 1; }; grep -oE '[0-9]{10}$' log")
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			object, rest, _ := strings.Cut(out, "\n}\n")
			var run report.Run
			if err := json.Unmarshal([]byte(object+"}"), &run); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			ended, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			took := run.Tasks[0].EndTime.Sub(time.UnixMicro(int64(ended * 1e6)))
			t.Logf("ended %s after its main container", took)
			if took > 3*time.Second || *run.Tasks[0].ExitCode != 3 {
				t.Errorf("%s after its main container, exit code %d", took, *run.Tasks[0].ExitCode)
			}
			if left, err := u.bash("kubectl wait --for=delete --all --timeout=60s jobs,pods"); err != nil && !strings.Contains(left, "no matching resources") {
				t.Errorf("left: %s", left)
			}
		})
	}
}
