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

// samples is a folder with files that people wrote, beside the checkout on some machines.
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
