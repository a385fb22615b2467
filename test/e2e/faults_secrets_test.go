//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestSecretFaults is about what must be shown nowhere.
func TestSecretFaults(t *testing.T) {
	runFaults(t, true, []faultCase{
		{26, "a thousand secrets, printed by every kind of task", canaries, false},
	})
}

// secrets is how many canaries there are.
const secrets = 1000

// canaries: tasks that print all that they know, in plain text, in base64, as the message of their end and
// as outputs; and none of it is in what is shown, kept, or to be seen in the list of processes.
func canaries(f *faulty) (string, int) {
	random := rand.New(rand.NewPCG(26, 1))
	all := make([]string, secrets)
	data := map[string]string{}
	for i := range all {
		all[i] = canary(random)
		data[fmt.Sprintf("KEY_%04d", i)] = all[i]
	}
	manifest, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "canaries"}, "stringData": data})
	if err != nil {
		f.Fatal(err)
	}
	f.file("secret.json", string(manifest))
	f.kubectl("apply", "-f", "secret.json")
	f.deployment("envFrom: [{secretRef: {name: canaries}}]")
	set, value := canary(random), canary(random)
	all = append(all, set, value)
	tell := `env; env | base64 -w 0; echo; echo last $KEY_0007; sleep 3; exit 3`
	f.tasks(fmt.Sprintf(`- {name: executed, phase: pre-deploy, exec: {target: deployment/web, command: [sh, -c, %[1]q]}}
- {name: copied, phase: pre-deploy, clone: {from: deployment/web, command: [sh, -c, %[1]q]}}
- {name: pod, phase: pre-deploy, pod: {image: busybox:test, command: [sh, -c, %[2]q], env: [{name: KEY_0007, valueFrom: {secretKeyRef: {name: canaries, key: KEY_0007}}}]}}
- name: job
  phase: pre-deploy
  job:
    spec:
      template:
        spec:
          volumes: [{name: s, projected: {sources: [{secret: {name: canaries}}]}}]
          containers: [{name: main, image: "busybox:test", command: [sh, -c, "cat /s/*; for i in /s/*; do cat $i; echo; done; exit 3"], volumeMounts: [{name: s, mountPath: /s}]}]
- {name: out, phase: pre-deploy, outputs: {answer: {regex: "answer (.*)"}}, clone: {from: deployment/web, command: [sh, -c, "echo answer $KEY_0011"]}}
- {name: reads, phase: pre-deploy, needs: [out], exec: {target: deployment/web, command: [sh, -c, '[ "$1" = "$KEY_0011" ] && echo it is the same; sleep 2', sh, "${tasks.out.outputs.answer}"]}}
`, tell, "echo $KEY_0007 > /dev/termination-log; echo $KEY_0007; exit 3"))
	f.file("values.yaml", "replicas: 1\npassword: "+value+"\n")
	p := f.startWith([]string{"GITHUB_ACTIONS=true"}, "install", "web", filepath.Join(rootDir, "examples/web"), "-f", "values.yaml", "--set", "other="+set, "--keep-going", "--events", "events.jsonl", "-o", "json")
	p.says("| last")
	processes := strings.ReplaceAll(commandLines(f.T, p.Process.Pid), "other="+set, "") // what the user has written there
	code := p.end(3 * time.Minute)
	printed := p.out.String() + p.errOut.String()
	sinks := map[string]string{"what is printed": printed, "the list of processes": processes, "the events": read(f.T, filepath.Join(f.dir, "events.jsonl"))}
	for _, c := range [][]string{{"history", "-o", "json"}, {"status", "-o", "json"}, {"status"}, {"logs"}, {"list", "--release", "web"}, {"resume", "--done", "job", "--chart", filepath.Join(rootDir, "examples/web"), "--values", "values.yaml", "--events", "resumed.jsonl", "--allow-host-tasks"}, {"resume"}, {"plan", "install", "web", filepath.Join(rootDir, "examples/web"), "-f", "values.yaml"}} {
		_, stdout, stderr := f.run(c...)
		sinks[strings.Join(c, " ")] = stdout + stderr
	}
	for name, text := range f.records() {
		sinks["record "+name] = strings.ReplaceAll(text, "--set=other="+set, "")
	}
	events, err := f.cluster.CoreV1().Events(f.namespace).List(f.Context(), metav1.ListOptions{})
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range events.Items {
		sinks["events of the cluster"] += e.Message + "\n"
	}
	for sink, text := range sinks {
		if i := revealed(text, all); i >= 0 {
			f.Errorf("secret %d is in %s", i, sink)
		}
	}
	if code != 1 || !strings.Contains(printed, "| it is the same") || !strings.Contains(printed, "last ***") {
		f.Errorf("exit code %d", code)
	}
	return fmt.Sprintf("none of %d is in any of %d places", len(all), len(sinks)), code
}

// revealed returns which of the secrets is in a text, as it is or in base64; -1 when none is.
func revealed(text string, secrets []string) int {
	return slices.IndexFunc(secrets, func(secret string) bool {
		whole := base64.StdEncoding.EncodeToString([]byte(secret))
		return strings.Contains(text, secret) || strings.Contains(text, whole[:len(whole)-4])
	})
}

// TestNotices: the checks of the cases after each fault find leftovers.
func TestNotices(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, "notices")
	f.helm("install", "web", filepath.Join(rootDir, "examples/web"), "--set", "replicas=0")
	f.pend("web", time.Minute)
	labels := "labels: {app.kubernetes.io/managed-by: kubectl-tasks}"
	f.file("left.yaml", fmt.Sprintf(`
{apiVersion: v1, kind: Pod, metadata: {name: a-pod, %[1]s}, spec: {containers: [{name: a, image: %[2]q, command: [sleep, "1000"]}], terminationGracePeriodSeconds: 0}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: a-job, %[1]s}, spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: a, image: %[2]q}]}}}}
---
{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: a-lease, %[1]s}}
`, labels, testImage))
	f.kubectl("apply", "-f", "left.yaml")
	left := f.left("")
	for _, name := range []string{"pod a-pod", "job a-job", "lease a-lease", "release sh.helm.release.v1.web.v1 pending-upgrade"} {
		if !strings.Contains(left, name) {
			t.Errorf("%s is not noticed: %s", name, left)
		}
	}
	if left := f.left("still there: a-pod, a-job"); strings.Contains(left, "a-pod") || strings.Contains(left, "a-job") {
		t.Errorf("what was said is left without a word: %s", left)
	}
	all := []string{"first-secret", "second-secret"}
	for text, want := range map[string]int{"nothing": -1, "a second-secret.": 1, "Zmlyc3Qtc2VjcmV0": 0} {
		if got := revealed(text, all); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// canary returns a text that stands nowhere else.
func canary(random *rand.Rand) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+/"
	b := make([]byte, 12+random.IntN(30))
	for i := range b {
		b[i] = letters[random.IntN(len(letters))]
	}
	return string(b)
}

// records returns the records of runs in the namespace, unpacked.
func (f *faulty) records() map[string]string {
	f.Helper()
	all := map[string]string{}
	list, err := f.cluster.CoreV1().Secrets(f.namespace).List(f.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=kubectl-tasks"})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range list.Items {
		for key, value := range s.Data {
			all[s.Name+"/"+key] = unpacked(f.T, value)
		}
	}
	if len(all) == 0 {
		f.Error("there are no records")
	}
	return all
}

// commandLines returns those of a process and all that it has started.
func commandLines(t *testing.T, pid int) string {
	t.Helper()
	all := read(t, fmt.Sprintf("/proc/%d/cmdline", pid))
	children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range children {
		text, _ := os.ReadFile(path) // a thread may have ended
		for child := range strings.FieldsSeq(string(text)) {
			line, _ := os.ReadFile("/proc/" + child + "/cmdline")
			all += string(line)
		}
	}
	return all
}

// unpacked returns the text of a part of a record.
func unpacked(t *testing.T, data []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return string(data) // it is not packed
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
