package source

import (
	stdcmp "cmp"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
)

var formats = []format.Format{
	{Name: "first", Files: []string{".first.toml", "first.toml"}, Extensions: []string{".toml"}, Recognises: has("stdin")},
	{Name: "second", Files: []string{"second.yaml"}, Recognises: has("second")},
}

func has(word string) func([]byte) bool {
	return func(text []byte) bool { return strings.Contains(string(text), word) }
}

// tree creates files that contain their own names.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		path := filepath.Join(dir, n)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// draw returns documents as "name (format[, trusted]): text".
func draw(documents []format.Document) []string {
	var lines []string
	for _, d := range documents {
		trusted := ""
		if d.Trusted {
			trusted = ", trusted"
		}
		lines = append(lines, d.Name+" ("+d.Format+trusted+"): "+string(d.Text))
	}
	return lines
}

func TestNamed(t *testing.T) {
	dir := tree(t, "a.toml", "first.toml", "x.yaml", "odd", "sub/.first.toml", "sub/second.yaml", "empty/x")
	if err := os.WriteFile(filepath.Join(dir, "large.toml"), make([]byte, maxBytes+1), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		refs  string
		stdin string
		as    string
		want  []string
		err   string
	}{
		{refs: "a.toml", want: []string{"a.toml (first, trusted): a.toml"}},
		{refs: "sub", want: []string{"sub/.first.toml (first, trusted): sub/.first.toml", "sub/second.yaml (second, trusted): sub/second.yaml"}},
		{refs: "first.toml sub/second.yaml", want: []string{"first.toml (first, trusted): first.toml", "sub/second.yaml (second, trusted): sub/second.yaml"}},
		{refs: "-", want: []string{"standard input (first, trusted): from stdin"}},
		{refs: "-", stdin: "second", want: []string{"standard input (second, trusted): second"}},
		{refs: "-", stdin: "third", err: "standard input: unknown format; set it with --format"},
		{refs: "-", stdin: "third", as: "second", want: []string{"standard input (second, trusted): third"}},
		{refs: "-", stdin: " \n", as: "second", err: "standard input is empty"},
		{refs: "- a.toml -", err: "standard input is named twice"},
		{refs: "a.toml a.toml", err: "a.toml is named twice"},
		{refs: "odd", as: "first", want: []string{"odd (first, trusted): odd"}},
		{refs: "first.toml", as: "second", want: []string{"first.toml (second, trusted): first.toml"}},
		{refs: "chart", want: []string{"chart/second.yaml (second): in the chart"}},
		{refs: "none.toml", err: "none.toml: no such file (a ConfigMap is named as configmap/NAME)"},
		{refs: "x.yaml", err: "x.yaml: unknown file name (known names: .first.toml, second.yaml); set the format with --format"},
		{refs: "empty", err: "empty: the directory has no task file (.first.toml, second.yaml)"},
		{refs: "large.toml", err: "large.toml: a task document may have at most 1048576 bytes"},
		{refs: "configmap/x", err: "configmap/x: there is no cluster to read it from"},
	}
	for _, tt := range tests {
		t.Run(tt.refs+tt.stdin+tt.as, func(t *testing.T) {
			f := Finder{Formats: formats, Format: tt.as, Dir: dir, Stdin: func() ([]byte, error) { return []byte(stdcmp.Or(tt.stdin, "from stdin")), nil }, Chart: inChart("second.yaml", "templates/.first.toml")}
			documents, err := f.Named(t.Context(), strings.Fields(tt.refs))
			if message(err) != tt.err {
				t.Fatalf("error %q, want %q", message(err), tt.err)
			}
			if diff := cmp.Diff(tt.want, draw(documents)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// inChart returns a chart with these files.
func inChart(names ...string) func() (map[string][]byte, error) {
	return func() (map[string][]byte, error) {
		files := map[string][]byte{}
		for _, n := range names {
			files[n] = []byte("in the chart")
		}
		return files, nil
	}
}

func TestChartErrors(t *testing.T) {
	for want, chart := range map[string]func() (map[string][]byte, error){
		"chart: this command has no chart; name a file":         nil,
		"the chart has no task file (.first.toml, second.yaml)": inChart("README.md"),
	} {
		if _, err := (Finder{Formats: formats, Chart: chart}).Named(t.Context(), []string{"chart"}); message(err) != want {
			t.Errorf("error %q, want %q", message(err), want)
		}
	}
}

// TestDiscover: only the first file name of a format counts, and the chart comes after the directory.
func TestDiscover(t *testing.T) {
	for dir, want := range map[string][]string{
		tree(t, "first.toml", "x"): {"chart/second.yaml (second): in the chart"},
		tree(t, ".first.toml"):     {".first.toml (first, trusted): .first.toml"},
	} {
		documents, notes, err := Finder{Formats: formats, Dir: dir, Chart: inChart("second.yaml")}.Discover(context.Background())
		if err != nil || len(notes) > 0 {
			t.Errorf("notes %v, error %v", notes, err)
		}
		if diff := cmp.Diff(want, draw(documents)); diff != "" {
			t.Error(diff)
		}
	}
}

// TestConfigMapDocuments: the names of the keys or the annotation decide the format, and documents are not trusted.
func TestConfigMapDocuments(t *testing.T) {
	tests := []struct {
		name, annotation, key string
		data                  map[string]string
		want                  []string
		err                   string
	}{
		{
			name: "by key name", data: map[string]string{".first.toml": "1", "second.yaml": "2", "readme": "3"},
			want: []string{"configmap/cm/.first.toml (first): 1", "configmap/cm/second.yaml (second): 2"},
		},
		{
			name: "one key", key: "second.yaml", data: map[string]string{".first.toml": "1", "second.yaml": "2"},
			want: []string{"configmap/cm/second.yaml (second): 2"},
		},
		{
			name: "annotated, any name", annotation: "second", data: map[string]string{"whatever": "1"},
			want: []string{"configmap/cm/whatever (second): 1"},
		},
		{
			name: "annotated, more than one key", annotation: "first", data: map[string]string{".first.toml": "1", "readme": "2"},
			want: []string{"configmap/cm/.first.toml (first): 1"},
		},
		{
			name: "annotated, chosen key", annotation: "second", key: "x", data: map[string]string{"x": "1", "y": "2"},
			want: []string{"configmap/cm/x (second): 1"},
		},
		{name: "no such key", key: "x", data: map[string]string{"y": "2"}, err: `no key "x"; it has y`},
		{name: "no data", err: "it has no data"},
		{name: "nothing recognised", data: map[string]string{"y": "2"}, err: "no key has the name of a task file (.first.toml, second.yaml); its keys are y"},
		{name: "unknown format", annotation: "third", data: map[string]string{"y": "2"}, err: `annotation kubectl-tasks.io/format: unknown format "third"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "cm"}, Data: tt.data}
			if tt.annotation != "" {
				cm.Annotations = map[string]string{FormatAnnotation: tt.annotation}
			}
			documents, err := Finder{Formats: formats}.documents(cm, tt.key)
			if message(err) != tt.err {
				t.Fatalf("error %q, want %q", message(err), tt.err)
			}
			if diff := cmp.Diff(tt.want, draw(documents)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestIsFor(t *testing.T) {
	for annotation, want := range map[string]bool{"web": true, "*": true, "other": false, "": false} {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{ReleaseAnnotation: annotation}}}
		if got := isFor(cm, "web"); got != want {
			t.Errorf("%q: %v", annotation, got)
		}
	}
	if isFor(&corev1.ConfigMap{}, "web") {
		t.Error("a ConfigMap without annotation is for a release")
	}
}
