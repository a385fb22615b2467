package kube

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestUsedBy: which keys of which Secrets a pod's containers can see; those for pulling images they cannot.
func TestUsedBy(t *testing.T) {
	var spec corev1.PodSpec
	if err := yaml.UnmarshalStrict([]byte(`
imagePullSecrets: [{name: registry}]
initContainers:
- {name: init, env: [{name: A, valueFrom: {secretKeyRef: {name: some, key: a}}}, {name: B, value: plain}]}
containers:
- {name: main, envFrom: [{secretRef: {name: all}}, {configMapRef: {name: none}}], env: [{name: C, valueFrom: {secretKeyRef: {name: some, key: c}}}]}
volumes:
- {name: v, secret: {secretName: volume}}
- {name: i, secret: {secretName: items, items: [{key: x, path: file}]}}
- name: p
  projected: {sources: [{secret: {name: projected, items: [{key: k, path: k}]}}, {serviceAccountToken: {path: token}}, {secret: {name: all, items: [{key: one, path: one}]}}]}
`), &spec); err != nil {
		t.Fatal(err)
	}
	var got []string
	used := usedBy(&spec)
	for _, name := range slices.Sorted(maps.Keys(used)) {
		keys := fmt.Sprint(slices.Sorted(maps.Keys(used[name].keys)))
		if used[name].all {
			keys = "*"
		}
		got = append(got, name+keys)
	}
	if want := "all* items[x] projected[k] some[a c] volume*"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
