package release

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestObjects(t *testing.T) {
	const manifest = `---
# Source: a comment alone
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {name: b, namespace: other}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: c}
`
	all, err := objects(manifest, "ns")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range all {
		got = append(got, o.GetKind()+" "+o.GetNamespace()+"/"+o.GetName())
	}
	if diff := cmp.Diff([]string{"ConfigMap ns/a", "Secret other/b", "Deployment ns/c"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := objects("a: [", "ns"); err == nil {
		t.Error("a broken manifest is no error")
	}
}

func TestDryRun(t *testing.T) {
	for value, want := range map[string]bool{"": false, "none": false, "false": false, "client": true, "server": true, "true": true} {
		if _, got, err := parseDryRun(value); got != want || err != nil {
			t.Errorf("%q: %v, error %v", value, got, err)
		}
	}
	if _, _, err := parseDryRun("maybe"); err == nil {
		t.Error("maybe is no error")
	}
}
