package pkg_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kubectl-tasks/kubectl-tasks/"

// row is a line of ARCHITECTURE.md's table: a package, a sentence, and what it may import.
var row = regexp.MustCompile("^\\| `((?:cmd|pkg)/[a-z/-]+)` \\| .* \\| ([^|]+) \\|$")

// allowed reads from ARCHITECTURE.md what of this module each package may import.
func allowed(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	table := map[string][]string{}
	var names []string
	for line := range strings.Lines(string(text)) {
		if m := row.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			names = append(names, m[1])
			table[m[1]] = strings.Split(m[2], ", ")
		}
	}
	for i, name := range names {
		switch may := table[name]; may[0] {
		case "–":
			table[name] = nil
		case "all below":
			table[name] = names[i+1:]
		default:
			for j := range may {
				may[j] = "pkg/" + may[j]
				if at := slices.Index(names, may[j]); at <= i {
					t.Errorf("ARCHITECTURE.md: %s may import %s, which is not below it", name, may[j])
				}
			}
		}
	}
	return table
}

// pure packages know no cluster, not even through what they import.
var pure = []string{"pkg/task", "pkg/plan", "pkg/engine", "pkg/format", "pkg/format/draft", "pkg/format/keptn", "pkg/format/lagoon", "pkg/format/native", "pkg/format/strict", "pkg/expression", "pkg/report"}

// TestImports fails when a package imports one above it, or one that the table does not know.
func TestImports(t *testing.T) {
	table := allowed(t)
	seen := map[string]bool{}
	for _, p := range list(t, "./cmd/...", "./pkg/...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		if len(p.GoFiles) == 0 {
			continue
		}
		seen[name] = true
		may, known := table[name]
		if !known {
			t.Errorf("%s is not in the table of ARCHITECTURE.md", name)
		}
		for _, i := range p.Imports {
			if imported, ours := strings.CutPrefix(i, module); ours && !slices.Contains(may, imported) {
				t.Errorf("%s imports %s; it may import %v", name, imported, may)
			}
		}
	}
	for name := range table {
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
