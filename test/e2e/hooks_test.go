//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
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

// hookCommands are those of the archive's comment, with the chart's directory instead of ".".
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
		now, err := stateOf(ctx, cluster, ns)
		if err == nil {
			diff = cmp.Diff(want, now.objects)
		} else if ctx.Err() == nil {
			return false, err
		}
		return diff == "", nil
	})
	if err != nil {
		t.Errorf("%s: %v (-helm +ours)\n%s", when, err, diff)
	}
}

// settledState returns the state of the namespace when it does not change any more.
func settledState(t *testing.T, cluster kubernetes.Interface, ns string) map[string]string {
	t.Helper()
	last, err := stateOf(t.Context(), cluster, ns)
	if err != nil {
		t.Fatal(err)
	}
	_ = poll.PollUntilContextTimeout(t.Context(), 1500*time.Millisecond, 20*time.Second, false, func(ctx context.Context) (bool, error) {
		now, err := stateOf(ctx, cluster, ns)
		if err != nil {
			return false, err
		}
		same := cmp.Equal(last.objects, now.objects)
		last = now
		return same, nil
	})
	return last.objects
}
