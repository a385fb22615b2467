package differential

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
)

// TestGenerate: a seed always gives the same sequence, and among the first thousand there is every operation, flag,
// kind of hook, event, delete policy and foreign change.
func TestGenerate(t *testing.T) {
	missing := map[string]bool{}
	for _, need := range []string{
		"install", "upgrade", "rollback", "rollback 0", "rollback without a revision", "uninstall", "test",
		"install --replace", "install --atomic", "install --no-hooks", "install --force", "install --wait", "install --take-ownership", "install --description", "install --labels",
		"upgrade --install", "upgrade --force", "upgrade --atomic", "upgrade --cleanup-on-fail", "upgrade --history-max", "upgrade --no-hooks", "upgrade --wait", "upgrade --take-ownership",
		"upgrade --description", "upgrade --labels", "upgrade --reuse-values", "upgrade --reset-values", "upgrade --reset-then-reuse-values",
		"upgrade --set", "upgrade --set-string", "upgrade --set-json", "upgrade --set-file", "upgrade --set-literal", "upgrade -f", "upgrade --values", "install --set", "install -f",
		"rollback --force", "rollback --cleanup-on-fail", "rollback --no-hooks", "rollback --wait", "rollback --history-max",
		"uninstall --keep-history", "uninstall --cascade", "uninstall --no-hooks", "uninstall --wait", "uninstall --ignore-not-found", "uninstall --description", "test --filter",
		"age 9", "age 99", "broken template", "broken schema", "broken object", "a kept object", "a dependency", "a hook of the dependency", "two hooks of one name",
	} {
		missing[need] = true
	}
	for _, v := range Verbs() {
		missing["foreign "+string(v)] = true
	}
	for _, kind := range []string{kindConfigMap, kindSecret, kindAccount, kindJob, kindPod} {
		for _, end := range []string{"ends well", "fails"} {
			missing["hook "+kind+" "+end] = true
			for _, p := range append(Policies(), "none") {
				missing["hook "+kind+" "+p+" "+end] = true
			}
		}
	}
	for _, e := range Events() {
		missing["event "+e] = true
		missing["event "+e+" fails"] = true
	}
	for _, kind := range []string{kindConfigMap, kindSecret, kindAccount, kindService, kindRole, kindDeployment} {
		missing["object "+kind] = true
	}
	for seed := range uint64(1000) {
		s := Generate(seed)
		if again := Generate(seed); !reflect.DeepEqual(s, again) {
			t.Fatalf("seed %d gives two sequences", seed)
		}
		for _, found := range contents(s) {
			delete(missing, found)
		}
	}
	if len(missing) > 0 {
		t.Errorf("among a thousand sequences there is none with: %v", slices.Sorted(keys(missing)))
	}
}

func keys(m map[string]bool) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// contents lists what is in a sequence.
func contents(s Sequence) []string {
	var all []string
	for _, step := range s.Steps {
		if f := step.Foreign; f != nil {
			all = append(all, "foreign "+string(f.Verb), fmt.Sprintf("%s %d", f.Verb, f.To))
			continue
		}
		all = append(all, step.Command[0])
		if step.Is("rollback") {
			all = append(all, strings.TrimSuffix("rollback "+strings.Join(step.Command[2:], ""), "rollback "))
			if len(step.Command) == 2 {
				all = append(all, "rollback without a revision")
			}
		}
		for _, flag := range step.Flags {
			name, _, _ := strings.Cut(flag, "=")
			all = append(all, step.Command[0]+" "+name)
		}
	}
	for _, c := range s.Charts {
		all = append(all, "broken "+string(c.Broken))
		if c.Sub {
			all = append(all, "a dependency")
		}
		for _, o := range c.Objects {
			all = append(all, "object "+o.Kind)
			if o.Keep {
				all = append(all, "a kept object")
			}
		}
		names := map[string]bool{}
		for _, h := range c.Hooks {
			if names[h.Kind+h.Name] {
				all = append(all, "two hooks of one name")
			}
			names[h.Kind+h.Name] = true
			if h.Sub && c.Sub {
				all = append(all, "a hook of the dependency")
			}
			end := "ends well"
			if h.Fails {
				end = "fails"
			}
			all = append(all, "hook "+h.Kind+" "+end)
			for _, p := range h.Policies {
				all = append(all, "hook "+h.Kind+" "+p+" "+end)
			}
			if len(h.Policies) == 0 {
				all = append(all, "hook "+h.Kind+" none "+end)
			}
			for _, e := range h.Events {
				all = append(all, "event "+e, "event "+e+" "+end)
			}
		}
	}
	return all
}

// TestCharts: Helm can load the charts.
func TestCharts(t *testing.T) {
	for seed := range uint64(50) {
		s, dir := Generate(seed), t.TempDir()
		if err := s.Write(dir); err != nil {
			t.Fatal(err)
		}
		for i := range s.Charts {
			if _, err := loader.Load(filepath.Join(dir, chartName(i))); err != nil {
				t.Errorf("%s\n%v", s, err)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "values-1.yaml")); err != nil {
			t.Error(err)
		}
	}
}

// TestShrink removes the steps that do not cause a failure, and keeps those that do.
func TestShrink(t *testing.T) {
	for seed := range uint64(20) {
		fails := func(s Sequence) bool {
			return slices.ContainsFunc(s.Steps, func(s Step) bool { return s.Is("upgrade") && s.Has("--set") }) &&
				slices.ContainsFunc(s.Charts, func(c Chart) bool { return len(c.Hooks) > 0 })
		}
		if s := Generate(seed); fails(s) {
			small := Shrink(s, 1000, fails)
			text, err := json.Marshal(small)
			if err != nil {
				t.Fatal(err)
			}
			hooks, objects := 0, 0
			for _, c := range small.Charts {
				hooks += len(c.Hooks)
				objects += len(c.Objects)
			}
			if len(small.Steps) != 1 || len(small.Steps[0].Flags) != 1 || hooks != 1 || objects != 0 {
				t.Errorf("seed %d: not small: %s", seed, text)
			}
		}
	}
}
