package format

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestAll: every row of the table is complete, and has a name of its own.
func TestAll(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range All {
		if f.Name == "" || seen[f.Name] || len(f.Files) == 0 || f.Recognises == nil || f.Parse == nil {
			t.Errorf("format %q is incomplete, or twice in the table", f.Name)
		}
		seen[f.Name] = true
		for _, name := range f.Files {
			if got, ok := All.ByFile(name, nil); !ok || got.Name != f.Name {
				t.Errorf("%s is of format %q, want %q", name, got.Name, f.Name)
			}
		}
	}
}

// TestByFile: the name decides, and the text when several formats have the extension.
func TestByFile(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"tasks.yaml", "", "native"},
		{"other.yaml", "", "native"},
		{"other.yaml", "kind: LagoonTask", "lagoon"},
		{"other.json", `{"apiVersion": "lifecycle.keptn.sh/v1"}`, "keptn"},
		{"web.lagoon.yml", "tasks:\n  post-rollout:\n", "lagoon"},
		{"other.toml", "", "draft"},
		{"other.txt", "kind: LagoonTask", ""},
	} {
		if got, _ := All.ByFile(tt.name, []byte(tt.text)); got.Name != tt.want {
			t.Errorf("%s (%q) is of format %q, want %q", tt.name, tt.text, got.Name, tt.want)
		}
	}
	if got, _ := All.ByText([]byte("[pre-up]\n")); got.Name != "draft" {
		t.Errorf("the text is of format %q", got.Name)
	}
}

// TestConverts: all formats can be converted to tasks.yaml except tasks.yaml.
func TestConverts(t *testing.T) {
	names := slices.DeleteFunc(All.Names(), Converts)
	if diff := cmp.Diff([]string{"native"}, names); diff != "" {
		t.Error(diff)
	}
	if _, _, err := Convert(Document{Source: task.Source{Format: "native"}}, Options{}); err == nil {
		t.Error("a tasks.yaml was converted")
	}
}
