//go:build e2e

package e2e

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/test/fault"
)

// TestClusterFaults is about what the cluster does to connections, pods and logs.
func TestClusterFaults(t *testing.T) {
	runFaults(t, true, []faultCase{
		{2, "twenty runs whose connections are reset", manyResets, false},
		{4, "watches are cut, and too old to go on", watchesGone, false},
		{14, "a pod is evicted", evicted, false},
		{25, "logs are rotated while they are followed", rotated, false},
		{33, "a webhook denies, hangs, or adds a container", webhooks, false},
	})
}

// manyResets: however and whenever connections are lost, a program that fails is never said to have
// succeeded.
func manyResets(f *faulty) (string, int) {
	f.deployment()
	proxy := f.behind()
	var runs []*process
	for range 20 {
		runs = append(runs, f.start("run", "--record=none", "--exec", "deployment/web", "--", "sh", "-c", "echo begun; sleep 30; exit 7"))
	}
	for _, p := range runs {
		p.says("begun")
	}
	for range 5 {
		time.Sleep(time.Duration(rand.IntN(6000)) * time.Millisecond) //nolint:forbidigo // the fault is at any time
		proxy.Cut()
	}
	codes := map[int]int{}
	for _, p := range runs {
		codes[p.end(2*time.Minute)]++
	}
	if codes[7]+codes[5] != len(runs) || codes[7] < len(runs)/2 {
		f.Errorf("exit codes %v", codes)
	}
	return fmt.Sprintf("%d times the program's own code, %d times unknown, never success", codes[7], codes[5]), 7
}

// watchesGone: a watch that cannot go on where it was is begun anew, and neither misses an end nor sees one
// twice.
func watchesGone(f *faulty) (string, int) {
	proxy := f.behind()
	var mu sync.Mutex
	gone := 0
	proxy.Break(func(r *http.Request) fault.Fault {
		mu.Lock()
		defer mu.Unlock()
		if watch := r.URL.Query().Get("watch"); (watch == "true" || watch == "1") && r.URL.Query().Get("resourceVersion") != "" {
			if gone++; gone%2 == 1 {
				return fault.Gone
			}
		}
		return fault.Pass
	})
	f.tasks(`- {name: pod, pod: {image: busybox:test, command: [sh, -c, "for i in $(seq 10); do echo pod $i; sleep 0.5; done; exit 8"]}}
- {name: job, job: {image: busybox:test, command: [sh, -c, "for i in $(seq 10); do echo job $i; sleep 0.5; done; exit 9"]}}
`)
	p := f.start("run", "pod", "job", "--keep-going")
	for _, at := range []string{"pod 3", "job 6"} {
		p.says(at)
		proxy.Cut()
	}
	code := p.end(2 * time.Minute)
	printed := p.out.String() + p.errOut.String()
	for _, name := range []string{"pod", "job"} {
		for i := 1; i <= 10; i++ {
			if line := fmt.Sprintf("| %s %d\n", name, i); strings.Count(printed, line) != 1 {
				f.Errorf("%q is printed %d times", line, strings.Count(printed, line))
			}
		}
		if strings.Count(printed, name+": FAILED") < 1 {
			f.Errorf("the end of %s is not told", name)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if code != 1 || gone == 0 || !strings.Contains(printed, "exit status 8") || !strings.Contains(printed, "exit status 9") {
		f.Errorf("exit code %d, %d watches", code, gone)
	}
	return fmt.Sprintf("begun anew after %d refusals, each end seen once", (gone+1)/2), code
}

// evicted: a pod that the node or somebody else throws out is not run again, and the reason is told.
func evicted(f *faulty) (string, int) {
	f.tasks(`- name: full
  pod:
    spec:
      containers:
      - {name: main, image: "busybox:test", command: [sh, -c, "echo begun; dd if=/dev/zero of=/tmp/full bs=1M count=64 2>/dev/null; sleep 1000"], resources: {limits: {ephemeral-storage: 4Mi}}}
- {name: thrown, pod: {image: busybox:test, command: [sh, -c, "echo begun; sleep 1000"]}}
`)
	code, _, stderr := f.run("run", "full")
	if code == 0 || !strings.Contains(stderr, "Evicted") || !strings.Contains(stderr, "ephemeral") {
		f.Errorf("exit code %d of a pod with a full disk\n%s", code, stderr)
	}
	p := f.start("run", "thrown")
	p.says("begun")
	pod := f.kubectl("get", "pods", "-l", "kubectl-tasks.io/task=thrown", "-o", "jsonpath={.items[*].metadata.name}")
	f.file("eviction.json", fmt.Sprintf(`{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": %q, "namespace": %q}}`, pod, f.namespace))
	f.kubectl("create", "--raw", "/api/v1/namespaces/"+f.namespace+"/pods/"+pod+"/eviction", "-f", "eviction.json")
	if code := p.end(time.Minute); code != 137 || !strings.Contains(p.errOut.String(), "EvictionByEvictionAPI") {
		f.Errorf("exit code %d of a pod that was thrown out", code)
	}
	return "Evicted, with the node's reason; not run again", code
}

// rotated: each line of a log that is rotated several times while it is followed is shown once.
func rotated(f *faulty) (string, int) {
	const chunks, lines = 60, 10000
	f.tasks(fmt.Sprintf(`- {name: much, pod: {image: busybox:test, command: [sh, -c, "for c in $(seq %d); do seq -w 1 %d | sed \"s/.*/$c & the same words in each line of the log, so that it becomes long/\"; sleep 0.5; done"]}}
`, chunks, lines))
	code, stdout, stderr := f.run("run", "much")
	if code != 0 {
		f.Errorf("exit code %d\n%s", code, stderr)
	}
	wrong, n := 0, 0
	for line := range strings.Lines(stdout) {
		if want := fmt.Sprintf("%d %05d ", n/lines+1, n%lines+1); !strings.HasPrefix(line, want) {
			if wrong++; wrong < 5 {
				f.Errorf("line %d is %q, want %q", n, line, want)
			}
		}
		n++
	}
	if n != chunks*lines {
		f.Errorf("%d lines, want %d", n, chunks*lines)
	}
	return fmt.Sprintf("%d lines, %d MB, none lost or doubled", n, len(stdout)/1_000_000), code
}

// webhooks: who denies is named, also when it is by silence; and a container that somebody adds does not
// keep a task from ending.
func webhooks(f *faulty) (string, int) {
	var mu sync.Mutex
	answer := func(map[string]any) map[string]any { return nil }
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review struct{ Request map[string]any }
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		mu.Lock()
		decide := answer
		mu.Unlock()
		response := decide(review.Request)
		if response == nil {
			<-r.Context().Done()
			return
		}
		response["uid"] = review.Request["uid"]
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
	}))
	f.Cleanup(server.CloseClientConnections)
	decides := func(d func(map[string]any) map[string]any) {
		mu.Lock()
		defer mu.Unlock()
		answer = d
	}
	ca := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	f.file("webhook.yaml", fmt.Sprintf(`apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: %[1]s}
webhooks:
- name: gate.kubectl-tasks.io
  admissionReviewVersions: [v1]
  sideEffects: None
  timeoutSeconds: 2
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[1]s}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  clientConfig: {url: %[2]q, caBundle: %[3]s}
`, f.namespace, server.URL, ca))
	f.kubectl("apply", "-f", "webhook.yaml")
	f.Cleanup(func() { f.kubectl("delete", "mutatingwebhookconfiguration", f.namespace) })
	f.tasks("- {name: one, pod: {image: busybox:test, command: [sh, -c, \"exit 3\"]}}\n")
	decides(func(map[string]any) map[string]any {
		return map[string]any{"allowed": false, "status": map[string]any{"message": "not on a Friday"}}
	})
	wait(f.T, "the webhook is asked", func() bool {
		code, _, stderr := f.run("run", "one")
		return code == 4 && strings.Contains(stderr, `admission webhook "gate.kubectl-tasks.io" denied the request: not on a Friday`)
	})
	decides(func(map[string]any) map[string]any { return nil })
	began := time.Now()
	code, _, stderr := f.run("run", "one")
	if took := time.Since(began); code != 4 || took > time.Minute || !strings.Contains(stderr, "gate.kubectl-tasks.io") {
		f.Errorf("exit code %d after %s of a webhook that hangs\n%s", code, took, stderr)
	}
	decides(func(map[string]any) map[string]any {
		patch := fmt.Sprintf(`[{"op": "add", "path": "/spec/containers/0", "value": {"name": "proxy", "image": %q, "command": ["sleep", "100000"]}}]`, testImage)
		return map[string]any{"allowed": true, "patchType": "JSONPatch", "patch": base64.StdEncoding.EncodeToString([]byte(patch))}
	})
	began = time.Now()
	code, _, stderr = f.run("run", "one")
	if took := time.Since(began); code != 3 || took > 30*time.Second {
		f.Errorf("exit code %d after %s beside a container that was added\n%s", code, took, stderr)
	}
	return "named when it denies or hangs; an added container is no matter", code
}
