package workload

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// TestPreferLabelled: the label on pods decides, not that on the workload; without it, all workloads remain.
func TestPreferLabelled(t *testing.T) {
	of := func(apiVersion, kind, name string, own, ofPods map[string]string) *unstructured.Unstructured {
		o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind}}
		o.SetName(name)
		o.SetLabels(own)
		if ofPods != nil {
			_ = unstructured.SetNestedStringMap(o.Object, ofPods, "spec", "template", "metadata", "labels")
		}
		return o
	}
	label := map[string]string{"draft": "web"}
	plain := of("apps/v1", "Deployment", "plain", nil, nil)
	own := of("apps/v1", "Deployment", "own", label, nil)
	pods := of("apps/v1", "StatefulSet", "pods", nil, label)
	pod := of("v1", "Pod", "pod", label, nil)
	job := of("batch/v1", "Job", "job", nil, label)
	tests := map[string]struct {
		objects []*unstructured.Unstructured
		want    []string
	}{
		"labelled":             {[]*unstructured.Unstructured{plain, own, pods, pod, job}, []string{"statefulset/pods", "pod/pod"}},
		"without the label":    {[]*unstructured.Unstructured{plain, own}, []string{"deployment/plain", "deployment/own"}},
		"a Job is no workload": {[]*unstructured.Unstructured{job}, nil},
	}
	for name, tt := range tests {
		var got []string
		for _, w := range PreferLabelled(Of(tt.objects), "draft") {
			got = append(got, kube.Name(w))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
