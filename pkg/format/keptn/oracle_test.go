package keptn

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// samples is a directory with files of Keptn's own tests, which exists next to some checkouts.
const samples = "../../../../shared/samples/keptn"

// TestOracles: each Job that Keptn's own tests expect is one of the Jobs of the same objects, except for the owner
// and the status.
func TestOracles(t *testing.T) {
	oracles, err := filepath.Glob(filepath.Join(samples, "oracle__*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(oracles) == 0 {
		t.Skipf("no folder %s with files to try", samples)
	}
	for _, oracle := range oracles {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(oracle), "oracle__"), "_00-assert.yaml")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(samples, "kltk__test_chainsaw_integration_"+name+"_00-install.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			document := Document{Source: task.Source{Name: "f"}, Text: text}
			tasks, found := Wire(objectsOf(t, string(text)), Wiring{Documents: []Document{document}})
			more, moreFound := Parse(text, Options{Source: document.Source})
			if err := append(found, moreFound...).Err(); err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(oracle)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range objectsOf(t, string(want)) {
				if o["kind"] != "Job" {
					continue
				}
				delete(o, "status")
				if meta, ok := o["metadata"].(map[string]any); ok {
					delete(meta, "ownerReferences")
				}
				delete(o, "apiVersion")
				delete(o, "kind")
				var why []string
				for _, one := range append(tasks, more...) {
					var job map[string]any
					text, err := json.Marshal(one.Executor.(task.Keptn).Job)
					if err == nil {
						err = json.Unmarshal(text, &job)
					}
					if err != nil {
						t.Fatal(err)
					}
					difference := within(o, job, "")
					if difference == "" {
						why = nil
						break
					}
					why = append(why, one.Name+": "+difference)
				}
				if len(why) > 0 {
					text, _ := yaml.Marshal(o)
					t.Errorf("no Job is as expected:\n%s\n%s", strings.Join(why, "\n"), text)
				}
			}
		})
	}
}

// within returns the path at which got lacks a wanted value; "" when it has all values.
func within(want, got any, path string) string {
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for key, v := range w {
			if key == "defaultMode" { // the server sets it
				continue
			}
			if d := within(v, g[key], path+"."+key); d != "" {
				return d
			}
		}
		return ""
	case []any:
		g, _ := got.([]any)
		if len(g) < len(w) {
			return fmt.Sprintf("%s has %d items, not %d", path, len(g), len(w))
		}
		for i := range w {
			if d := within(w[i], g[i], fmt.Sprintf("%s[%d]", path, i)); d != "" {
				return d
			}
		}
		return ""
	}
	if fmt.Sprint(want) != fmt.Sprint(got) {
		return fmt.Sprintf("%s is %v, not %v", path, got, want)
	}
	return ""
}
