package ready

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestCondition(t *testing.T) {
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Thing", "metadata": map[string]any{"name": "x"},
		"spec": map[string]any{"n": int64(3)},
		"status": map[string]any{"phase": "Running", "conditions": []any{
			map[string]any{"type": "Complete", "status": "True"}, map[string]any{"type": "Failed", "status": "False"},
		}},
	}}
	tests := []struct {
		text    string
		object  *unstructured.Unstructured
		want    bool
		instead string
	}{
		{"deleted", nil, true, ""},
		{"deleted", o, false, "it exists"},
		{"ready", nil, false, absent},
		{"", o, true, ""},
		{"condition=Complete", o, true, ""},
		{"condition=complete=true", o, true, ""},
		{"condition=Failed", o, false, "condition Failed is False"},
		{"condition=Failed=False", o, true, ""},
		{"condition=Other", o, false, "it has no condition Other"},
		{"condition=Complete", nil, false, absent},
		{"jsonpath={.status.phase}=Running", o, true, ""},
		{"jsonpath={.status.phase}=Pending", o, false, `{.status.phase} is "Running"`},
		{"jsonpath={.spec.n}=3", o, true, ""},
		{"jsonpath={.status.phase}", o, true, ""},
		{"jsonpath={.status.none}", o, false, "it has no {.status.none}"},
		{"jsonpath=.status.phase", o, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			c, err := ParseCondition(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			got, instead := c.holds(tt.object)
			if got != tt.want || !got && instead != tt.instead {
				t.Errorf("%v, %q; want %v, %q", got, instead, tt.want, tt.instead)
			}
		})
	}
	for _, bad := range []string{"gone", "condition=", "jsonpath=", "jsonpath={.a", "=x"} {
		if _, err := ParseCondition(bad); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
}
