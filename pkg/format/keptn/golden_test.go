package keptn

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

var update = flag.Bool("update", false, "write the golden files anew")

var images = map[task.Runtime]string{task.Deno: "deno:test", task.Python: "python:test"}

// TestJobs: the Job of each kind of definition is Keptn's, except for the owner.
func TestJobs(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tasks, found := Parse(text, Options{Source: task.Source{Name: file}, Release: "web", Images: images})
			if err := found.Err(); err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			for _, one := range tasks {
				k := one.Executor.(task.Keptn)
				e := json.NewEncoder(&got)
				e.SetIndent("", "  ")
				e.SetEscapeHTML(false)
				if err := e.Encode(map[string]any{"name": one.Name, "timeout": one.Timeout.String(), "code": k.Code, "codeMap": k.CodeMap, "secret": k.Secret, "main": k.Main, "job": k.Job}); err != nil {
					t.Fatal(err)
				}
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil { //nolint:gosec // as any editor makes it
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
