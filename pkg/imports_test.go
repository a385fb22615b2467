package pkg_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kubectl-tasks/kubectl-tasks/"

// allowed is the table of ARCHITECTURE.md: what of this module each package may import.
var allowed = map[string][]string{
	"cmd/kubectl-tasks": {"pkg/plugin"},
	"pkg/plugin":        {"pkg/source", "pkg/format/draft", "pkg/task", "pkg/plan", "pkg/engine", "pkg/runner/host", "pkg/runner/exec", "pkg/release", "pkg/kube", "pkg/report"},
	"pkg/source":        {"pkg/kube", "pkg/task"},
	"pkg/format/draft":  {"pkg/task"},
	"pkg/task":          {},
	"pkg/plan":          {"pkg/task"},
	"pkg/engine":        {"pkg/plan", "pkg/task"},
	"pkg/runner/host":   {"pkg/runner/lines", "pkg/task"},
	"pkg/runner/exec":   {"pkg/runner/lines", "pkg/kube", "pkg/task"},
	"pkg/runner/lines":  {"pkg/task"},
	"pkg/release":       {"pkg/task"},
	"pkg/kube":          {},
	"pkg/report":        {"pkg/engine", "pkg/plan", "pkg/task"},
}

// pure packages know no cluster, not even through what they import.
var pure = []string{"pkg/task", "pkg/plan", "pkg/engine", "pkg/format/draft", "pkg/report"}

// TestImports fails when a package imports one above it, or one that the table does not know.
func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list(t, "./cmd/...", "./pkg/...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		if len(p.GoFiles) == 0 {
			continue
		}
		seen[name] = true
		may, known := allowed[name]
		if !known {
			t.Errorf("%s is not in the table of ARCHITECTURE.md and of this test", name)
		}
		for _, i := range p.Imports {
			if imported, ours := strings.CutPrefix(i, module); ours && !slices.Contains(may, imported) {
				t.Errorf("%s imports %s; it may import %v", name, imported, may)
			}
		}
	}
	for name := range allowed {
		if !seen[name] {
			t.Errorf("%s is in the table, but there is no such package", name)
		}
	}
}

// TestPure fails when a package that shall be pure reaches a cluster client through its imports.
func TestPure(t *testing.T) {
	for _, name := range pure {
		for _, p := range list(t, "-deps", "./"+name) {
			if strings.HasPrefix(p.ImportPath, "k8s.io/client-go") || strings.HasPrefix(p.ImportPath, "helm.sh/") {
				t.Errorf("%s reaches %s", name, p.ImportPath)
			}
		}
	}
}

type pkg struct {
	ImportPath string
	GoFiles    []string
	Imports    []string
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,GoFiles,Imports"}, args...)...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		t.Fatal("go list found no package")
	}
	return all
}
