//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plugin"
	"github.com/kubectl-tasks/kubectl-tasks/test/script"
)

// hostileRun is a record with all of its fields.
const hostileRun = `{
  "id": "ID", "operation": "run", "release": "web", "namespace": "NAMESPACE", "revision": 1, "command": ["run", "--tasks=tasks.yaml", "one"],
  "directory": "/tmp", "owner": {"name": "u@h", "pid": 1, "url": "https://ci.example/1", "machine": "m", "born": "b"}, "processes": 1,
  "start": "2030-01-02T03:04:05Z", "end": "2030-01-02T03:04:06Z", "status": "Failed", "exitCode": 1, "inputs": {"tasks.yaml": "abc"},
  "documents": [{"name": "tasks.yaml", "format": "native", "text": "eA=="}],
  "steps": [{
    "id": "one", "kind": "task", "digest": "abc", "phase": "post-deploy", "executor": "exec", "source": "tasks.yaml", "attempt": 1,
    "made": [{"kind": "Pod", "namespace": "NAMESPACE", "name": "nosuch", "uid": "u", "container": "c"}],
    "state": "Failed", "exitCode": 3, "reason": "ExitCode", "message": "exit status 3", "start": "2030-01-02T03:04:05Z", "end": "2030-01-02T03:04:06Z",
    "targets": [{"pod": "nosuch", "container": "c", "state": "Failed", "message": "exit status 3"}], "outputs": {"a": {"value": "b"}}
  }],
  "woken": [{"target": "deployment/nosuch", "replicas": 1}]
}`

// TestHostileRecords: whatever stands in any field of any record, and in a lock, no command prints what a terminal, a log viewer
// or a CI system obeys.
func TestHostileRecords(t *testing.T) {
	t.Parallel()
	cluster := client(t)
	ns := namespace(t, cluster, "hostile")
	config := kubeconfigFor(t, t.TempDir(), ns)
	printed := 0
	check := func(args ...string) {
		t.Helper()
		var out, errOut bytes.Buffer
		app := plugin.New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
		code := app.Run(t.Context(), append(args, "--kubeconfig", config))
		for _, text := range []string{out.String(), errOut.String()} {
			printed += strings.Count(text, `x1b`)
			if found := script.Obeyed(text); found != "" {
				t.Errorf("%v, exit code %d: %q", args, code, found)
			}
		}
	}
	ids := hostileRecords(t, cluster, ns)
	for _, format := range []string{"", "name", "json", "yaml"} {
		check("history", "-o", format)
	}
	for _, id := range ids {
		check("status", id)
		check("logs", id)
		check("resume", id, "--lock-wait", "0s")
	}
	check("status", ids[0], "-o", "yaml")
	hold(t, cluster, ns)
	check("unlock", "web", "--force")
	check("cancel", ids[len(ids)-1], "--timeout", "1s")
	if printed == 0 {
		t.Error("no command printed any of it, so that nothing was tested")
	}
}

// hostileRecords stores the run with each text of it in turn replaced by a hostile one, each key, and a hostile log, and
// returns the IDs.
func hostileRecords(t *testing.T, cluster kubernetes.Interface, ns string) []string {
	t.Helper()
	var ids []string
	var tree map[string]any
	if err := json.Unmarshal([]byte(strings.ReplaceAll(hostileRun, "NAMESPACE", ns)), &tree); err != nil {
		t.Fatal(err)
	}
	store := func() {
		id := fmt.Sprintf("20300102-0304%02d-%06x", len(ids)%60, len(ids))
		text, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		_, err = cluster.CoreV1().Secrets(ns).Create(t.Context(), &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "kubectl-tasks.run." + id, Labels: map[string]string{
				"app.kubernetes.io/managed-by": "kubectl-tasks", "kubectl-tasks.io/run": id, "kubectl-tasks.io/release": "web",
			}},
			Type: "kubectl-tasks.io/run",
			Data: map[string][]byte{"run": packed(t, bytes.ReplaceAll(text, []byte(`"ID"`), []byte(`"`+id+`"`))), "log.0": packed(t, []byte(script.Hostile))},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	script.Mutate(tree, script.Hostile, store)
	return ids
}

func packed(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.Copy(w, bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// hold gives the release's lock to a holder with a hostile name.
func hold(t *testing.T, cluster kubernetes.Interface, ns string) {
	t.Helper()
	holder, err := json.Marshal(map[string]any{"name": script.Hostile, "pid": 1, "url": script.Hostile, "run": script.Hostile})
	if err != nil {
		t.Fatal(err)
	}
	who, now, seconds := "somewhere/1", metav1.NowMicro(), int32(15)
	_, err = cluster.CoordinationV1().Leases(ns).Create(t.Context(), &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: "kubectl-tasks.web", Annotations: map[string]string{"kubectl-tasks.io/holder": string(holder)}},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &who, RenewTime: &now, AcquireTime: &now, LeaseDurationSeconds: &seconds},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// TestHostileChart: the same for what a chart has in the texts that Helm shows, and for a pod of a hook.
func TestHostileChart(t *testing.T) {
	t.Parallel()
	cluster := client(t)
	ns := namespace(t, cluster, "hostile-chart")
	dir := t.TempDir()
	config := kubeconfigFor(t, dir, ns)
	quoted, err := json.Marshal(script.Hostile)
	if err != nil {
		t.Fatal(err)
	}
	hostile := strings.NewReplacer("\u007f", `\u007f`, "\u009b", `\u009b`).Replace(string(quoted))
	for name, text := range map[string]string{
		"Chart.yaml":           "apiVersion: v2\nname: c\nversion: 0.1.0\ndeprecated: true\ndescription: " + hostile + "\n",
		"values.yaml":          "table: {a: b}\nnotes: " + hostile + "\n",
		"templates/NOTES.txt":  "{{ .Values.notes }}",
		"templates/fails.yaml": "{{ if .Values.fail }}{{ fail .Values.notes }}{{ end }}",
		"templates/a.yaml":     "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}\", annotations: {a: {{ .Values.notes | quote }}}}\n",
		"templates/bad.yaml":   "{{ if .Values.bad }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Values.notes | quote }}}\n{{ end }}",
	} {
		path := filepath.Join(dir, "c", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	chart, printed := filepath.Join(dir, "c"), 0
	for _, args := range [][]string{
		{"install", "bad", chart, "--set", "bad=true"},
		{"install", "bad", chart, "--set", "fail=true"},
		{"install", "web", chart, "--dry-run"},
		{"install", "web", chart, "--debug"},
		{"upgrade", "web", chart, "-o", "json"},
		{"upgrade", "web", chart, "-o", "yaml"},
		{"upgrade", "web", chart, "--set", "table=1"},
		{"plan", "upgrade", "web", chart},
		{"test", "web"},
		{"rollback", "web", "-o", "yaml"},
		{"uninstall", "web", "-o", "json"},
	} {
		var out, errOut bytes.Buffer
		app := plugin.New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
		code := app.Run(t.Context(), append(args, "--kubeconfig", config))
		if code != 0 && args[1] == "web" && args[0] != "plan" {
			t.Errorf("%v: exit code %d\n%s", args, code, &errOut)
		}
		for _, text := range []string{out.String(), errOut.String()} {
			printed += strings.Count(text, `\x1b`)
			if found := script.Obeyed(text); found != "" {
				t.Errorf("%v, exit code %d: %q", args, code, found)
			}
		}
	}
	if printed == 0 {
		t.Error("no command printed any of it, so that nothing was tested")
	}
}
