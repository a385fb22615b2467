//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// keptnSamples is a folder with files of Keptn's own tests, next to the checkout on some machines.
const keptnSamples = "../shared/samples/keptn"

// TestKeptnSamples installs what Keptn's own tests install, as a chart of one file, and expects the end
// that they expect. Only the images are others.
func TestKeptnSamples(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(rootDir, keptnSamples)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no folder %s with files to try", dir)
	}
	tests := []struct {
		name, command string
		// status is what Keptn says of the task, says what we say.
		says []string
	}{
		{"container-runtime", "kubectl-tasks install web ./chart", []string{"pre/waiter-waiter/pre-deployment-sleep: ok", "helm install web: ok"}},
		{"simple-deployment-recursive-task", "kubectl-tasks install web ./chart", []string{
			`{"data":"mydata","other":"data","user":"myuser"}`, "pre/waiter-waiter/pre-deployment-hello: ok",
			`{"data":"myotherdata","other":"data","user":"myotheruser"}`, "post/waiter-waiter/pre-deployment-parent: ok",
		}},
		{"app-failing-pre-task-retry", "! kubectl-tasks install web ./chart", []string{
			"pre/podtato-head/pre-task-retries: FAILED", "BackoffLimitExceeded", "helm install web: not run",
		}},
		{"simple-task", "kubectl-tasks run -f chart/templates/app.yaml", []string{"Pre-Deployment Task has been executed"}},
	}
	cluster := client(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join(dir, "kltk__test_chainsaw_integration_"+tt.name+"_00-install.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			u := userDir(t, namespace(t, cluster, "keptn"))
			if err := os.RemoveAll(filepath.Join(u.dir, "chart")); err != nil {
				t.Fatal(err)
			}
			app := strings.NewReplacer("busybox:1.37.0", testImage, "image: busybox\n", "image: "+testImage+"\n", "sleep 30", "sleep 3").Replace(string(text))
			write(t, u.dir, "chart/Chart.yaml", "apiVersion: v2\nname: app\nversion: 0.1.0\n")
			write(t, u.dir, "chart/templates/app.yaml", app)
			out, err := u.bash(tt.command + " --runner-image deno=deno:test 2>&1")
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, text := range tt.says {
				if !strings.Contains(out, text) {
					t.Errorf("it does not say %q:\n%s", text, out)
				}
			}
		})
	}
}
