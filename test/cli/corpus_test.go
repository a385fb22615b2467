package cli

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plugin"
)

// samples is a folder with files of users, next to the checkout on some machines.
const samples = "../../../shared/samples"

// TestCorpus: whatever the file, lint, list, plan and convert end with a word, never in a panic; and
// nothing of it is run.
func TestCorpus(t *testing.T) {
	if _, err := os.Stat(samples); err != nil {
		t.Skipf("no folder %s with files to try", samples)
	}
	t.Setenv("KUBECONFIG", os.DevNull)
	t.Setenv("HOME", t.TempDir())
	count := 0
	err := filepath.WalkDir(samples, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		count++
		for _, args := range [][]string{{"lint"}, {"list", "-f"}, {"convert"}, {"plan", "run", "--phase", "pre-deploy", "-f"}} {
			var out, errOut bytes.Buffer
			app := plugin.New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
			code := app.Run(context.Background(), append(args, path))
			switch {
			case code != 0 && code != 2 && code != 3 && code != 4: // 4: there is no cluster to ask for variables
				t.Errorf("%v %s: exit code %d\n%s", args, path, code, errOut.String())
			case code == 3 && out.Len()+errOut.Len() == 0:
				t.Errorf("%v %s: exit code 3 without a word", args, path)
			}
		}
		return nil
	})
	if err != nil || count == 0 {
		t.Errorf("%d files, error %v", count, err)
	}
	t.Logf("%d files", count)
}

// TestLagoonCorpus: each file of Lagoon has as many tasks as its authors wrote.
func TestLagoonCorpus(t *testing.T) {
	dir := filepath.Join(samples, "lagoon")
	files, err := filepath.Glob(filepath.Join(dir, "*.y*ml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("no folder %s with files to try", dir)
	}
	t.Setenv("KUBECONFIG", os.DevNull)
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for line := range strings.Lines(string(text)) {
			if trimmed := strings.TrimSpace(line); trimmed == "- run:" || trimmed == "kind: LagoonTask" {
				want++
			}
		}
		var out, errOut bytes.Buffer
		app := plugin.New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
		if code := app.Run(context.Background(), []string{"list", "-o", "name", "-f", path}); code != 0 {
			t.Errorf("%s: exit code %d\n%s", path, code, errOut.String())
		}
		if got := strings.Count(out.String(), "\n"); got != want || got == 0 {
			t.Errorf("%s: %d tasks, want %d", path, got, want)
		}
	}
}

// TestLagoonOverrideCorpus: Lagoon's own example of an override gives what Lagoon says it gives.
func TestLagoonOverrideCorpus(t *testing.T) {
	prefix := filepath.Join(samples, "lagoon", "build-deploy-tool__validate-lagoon-yml_test2_lagoon")
	if _, err := os.Stat(prefix + ".yml"); err != nil {
		t.Skipf("no file %s.yml to try", prefix)
	}
	t.Setenv("KUBECONFIG", os.DevNull)
	list := func(files map[string]string) string {
		t.Helper()
		dir := t.TempDir()
		for from, to := range files {
			text, err := os.ReadFile(prefix + from)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, to), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var out, errOut bytes.Buffer
		app := plugin.New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
		if code := app.Run(context.Background(), []string{"list", "-o", "name", "-f", filepath.Join(dir, ".lagoon.yml")}); code != 0 {
			t.Fatal(errOut.String())
		}
		return out.String()
	}
	merged := list(map[string]string{".yml": ".lagoon.yml", "-override.yml": ".lagoon.override.yml"})
	if want := list(map[string]string{"-final.yml": ".lagoon.yml"}); merged != want {
		t.Errorf("%s\nwant\n%s", merged, want)
	}
}
