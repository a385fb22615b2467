package readiness

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const head = "apiVersion: kubectl-tasks.io/v1alpha1\nkind: Readiness\nrules:\n"

func TestJudge(t *testing.T) {
	rules, err := Parse("r.yaml", []byte(head+`
- {group: argoproj.io, kind: Rollout, ready: object.status.phase == "Healthy", failed: object.status.phase == "Degraded", reason: object.status.message}
- {group: acme.io, kind: Report, wait: false}
`))
	if err != nil {
		t.Fatal(err)
	}
	if rules[1].Waits || rules[1].Kind != "Report" {
		t.Errorf("the second rule: %+v", rules[1])
	}
	type verdict struct {
		Ready, Failed bool
		Reason        string
	}
	for name, c := range map[string]struct {
		status map[string]any
		want   verdict
	}{
		"ready":     {map[string]any{"phase": "Healthy", "message": "fine"}, verdict{Ready: true}},
		"failed":    {map[string]any{"phase": "Degraded", "message": "no pods"}, verdict{Failed: true, Reason: "no pods"}},
		"not yet":   {map[string]any{"phase": "Progressing", "message": "1 of 2"}, verdict{Reason: "1 of 2"}},
		"no reason": {map[string]any{"phase": "Progressing"}, verdict{Reason: "its readiness rule is false"}},
		"no status": {nil, verdict{Reason: `"object.status.phase == \"Healthy\"": no such key: status`}},
	} {
		t.Run(name, func(t *testing.T) {
			object := map[string]any{"kind": "Rollout"}
			if c.status != nil {
				object["status"] = c.status
			}
			var got verdict
			got.Ready, got.Failed, got.Reason = rules[0].Judge(object)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":       {"", "r.yaml:1: it is empty"},
		"no YAML":     {"a: [", "r.yaml:1: not YAML"},
		"other kind":  {"apiVersion: v1\nkind: Pod\n", `r.yaml:1:1: apiVersion and kind are "v1" and "Pod"`},
		"unknown key": {head + "- {kind: A, redy: \"true\"}\n", `r.yaml:4:13: unknown field "redy"; did you mean "ready"?`},
		"no kind":     {head + "- {ready: \"true\"}\n", "r.yaml:4:3: rule 1: it needs a kind"},
		"no ready":    {head + "- {kind: A}\n", "r.yaml:4:3: rule 1: it needs ready, the condition of a ready A, or wait: false"},
		"bad CEL":     {head + "- {kind: A, ready: object.}\n", `r.yaml:4:3: rule 1: "object."`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("r.yaml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	seeds, err := os.ReadDir("testdata/fuzz/FuzzParse")
	if err != nil || len(seeds) == 0 {
		f.Fatal("there is no corpus")
	}
	f.Add([]byte(head + "- {kind: A, ready: object.status.ready}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		rules, err := Parse("r.yaml", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "r.yaml:") {
				t.Errorf("without a place: %v", err)
			}
			return
		}
		for _, r := range rules {
			if r.Waits {
				r.Judge(map[string]any{})
			}
		}
	})
}
