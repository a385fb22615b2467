//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	poll "k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// TestHooks: each chart of testdata/hooks ends in the same state of the cluster, after each of its commands,
// whether helm runs it or we do, in each of our ways. A line of its comment that begins with ">" is a command that
// succeeds, one with "!" a command that fails.
func TestHooks(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/hooks/*.txtar")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d charts with hooks: %v", len(files), err)
	}
	cluster := client(t)
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chart := t.TempDir()
			if err := writeArchive(archive, chart); err != nil {
				t.Fatal(err)
			}
			var want []map[string]string
			for _, how := range []string{"helm 3", "serial", "parallel", "helm"} {
				ns := namespace(t, cluster, "hooks")
				for i, step := range hookCommands(t, archive, chart) {
					if how == "helm 3" {
						helmEnds(t, ns, step)
						want = append(want, settledState(t, cluster, ns))
						continue
					}
					_, stderr, code := ours(t, slices.Concat(step.args, []string{"-n", ns, "--hooks=" + how})...)
					if (code != 0) != step.fails {
						t.Fatalf("%s: %v: exit code %d\n%s", how, step.args, code, stderr)
					}
					sameState(t, cluster, ns, fmt.Sprintf("%s: %v", how, step.args), want[i])
				}
			}
		})
	}
}

type hooksCommand struct {
	args  []string
	fails bool
}

// hookCommands are those of the archive's comment, with the chart's directory in the place of ".".
func hookCommands(t *testing.T, archive *txtar.Archive, chart string) []hooksCommand {
	t.Helper()
	var all []hooksCommand
	for line := range strings.Lines(string(archive.Comment)) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != ">" && words[0] != "!" {
			continue
		}
		for i := range words {
			if words[i] == "." {
				words[i] = chart
			}
		}
		all = append(all, hooksCommand{words[1:], words[0] == "!"})
	}
	if len(all) < 2 {
		t.Fatal("there are no commands")
	}
	return all
}

func writeArchive(archive *txtar.Archive, dir string) error {
	for _, f := range archive.Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func helmEnds(t *testing.T, ns string, step hooksCommand) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), required(t, "HELM3"), append(slices.Clone(step.args), "-n", ns)...)
	if out, err := cmd.CombinedOutput(); (err != nil) != step.fails {
		t.Fatalf("helm %v: %v\n%s", step.args, err, out)
	}
}

// sameState waits until the state of the namespace is as wanted: what ends by itself, such as the status of a Job
// whose pod has ended, may take a moment.
func sameState(t *testing.T, cluster kubernetes.Interface, ns, when string, want map[string]string) {
	t.Helper()
	var diff string
	err := poll.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, 20*time.Second, true, func(ctx context.Context) (bool, error) {
		now := state(t, ctx, cluster, ns)
		if ctx.Err() == nil {
			diff = cmp.Diff(want, now)
		}
		return diff == "", nil
	})
	if err != nil {
		t.Errorf("%s: (-helm +ours)\n%s", when, diff)
	}
}

// settledState returns the state of the namespace when it does not change any more.
func settledState(t *testing.T, cluster kubernetes.Interface, ns string) map[string]string {
	t.Helper()
	last := state(t, t.Context(), cluster, ns)
	_ = poll.PollUntilContextTimeout(t.Context(), 1500*time.Millisecond, 20*time.Second, false, func(ctx context.Context) (bool, error) {
		now := state(t, ctx, cluster, ns)
		same := cmp.Equal(last, now)
		last = now
		return same, nil
	})
	return last
}

var (
	// uids are labels of what a Job makes.
	uids = []string{"controller-uid", "batch.kubernetes.io/controller-uid"}
	// reasons are how a failure is worded, which is our own.
	reasons = regexp.MustCompile(`((?:failed (?:pre|post)-\w+|hooks failed)): [\s\S]*`)
)

// state returns all objects of the namespace, each as text, without what is another one each time.
func state(t *testing.T, ctx context.Context, cluster kubernetes.Interface, ns string) map[string]string {
	t.Helper()
	all := map[string]string{}
	add := func(kind string, meta metav1.ObjectMeta, more ...any) {
		if meta.DeletionTimestamp != nil {
			return
		}
		labels := map[string]string{}
		for name, value := range meta.Labels {
			if !slices.Contains(uids, name) {
				labels[name] = value
			}
		}
		name := meta.Name
		if job := meta.Labels["batch.kubernetes.io/job-name"]; job != "" {
			name = job + "-…"
		}
		text, err := json.Marshal([]any{labels, meta.Annotations, more})
		if err != nil {
			t.Fatal(err)
		}
		all[kind+"/"+name] = strings.ReplaceAll(string(text), ns, "NAMESPACE")
	}
	fail := func(err error) {
		t.Helper()
		if err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
	}
	pods, err := cluster.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
	fail(err)
	for _, p := range pods.Items {
		add("pod", p.ObjectMeta, p.Spec.Containers[0].Command, p.Spec.ServiceAccountName, p.Status.Phase)
	}
	jobs, err := cluster.BatchV1().Jobs(ns).List(ctx, metav1.ListOptions{})
	fail(err)
	for _, j := range jobs.Items {
		var conditions []string
		for _, c := range j.Status.Conditions {
			if c.Status == corev1.ConditionTrue {
				conditions = append(conditions, string(c.Type))
			}
		}
		add("job", j.ObjectMeta, j.Spec.BackoffLimit, j.Spec.Template.Spec, conditions, j.Status.Succeeded, j.Status.Failed)
	}
	maps, err := cluster.CoreV1().ConfigMaps(ns).List(ctx, metav1.ListOptions{})
	fail(err)
	for _, m := range maps.Items {
		if m.Name != "kube-root-ca.crt" {
			add("configmap", m.ObjectMeta, m.Data)
		}
	}
	accounts, err := cluster.CoreV1().ServiceAccounts(ns).List(ctx, metav1.ListOptions{})
	fail(err)
	for _, a := range accounts.Items {
		if a.Name != "default" {
			add("serviceaccount", a.ObjectMeta)
		}
	}
	secrets, err := cluster.CoreV1().Secrets(ns).List(ctx, metav1.ListOptions{})
	fail(err)
	for _, s := range secrets.Items {
		if s.Type == "helm.sh/release.v1" {
			delete(s.Labels, "modifiedAt")
			delete(s.Labels, "createdAt")
			add("secret", s.ObjectMeta, storedRelease(t, s.Data["release"]))
			continue
		}
		add("secret", s.ObjectMeta, s.Data)
	}
	return all
}

// storedRelease returns what a release's Secret says of it and of its hooks.
func storedRelease(t *testing.T, data []byte) any {
	t.Helper()
	packed, err := base64.StdEncoding.DecodeString(string(data))
	if err != nil {
		t.Fatal(err)
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	var release struct {
		Version  int
		Manifest string
		Info     struct{ Status, Description string }
		Hooks    []struct {
			Name           string
			Events         []string
			DeletePolicies []string               `json:"delete_policies"`
			LastRun        struct{ Phase string } `json:"last_run"`
		}
	}
	if err := json.Unmarshal(text, &release); err != nil {
		t.Fatal(err)
	}
	release.Info.Description = reasons.ReplaceAllString(release.Info.Description, "$1")
	return release
}
