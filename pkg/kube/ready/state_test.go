package ready

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestProgresses: numbers of a generation before the one that is waited for are no progress, and hide none.
func TestProgresses(t *testing.T) {
	a := &awaited{highest: map[string]int64{}, seen: true}
	for i, step := range []struct {
		observed, ready int64
		want            bool
	}{
		{1, 10, false}, // of the generation before
		{2, 0, false},
		{2, 1, true},
		{2, 1, false},
		{2, 2, true},
	} {
		o := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"observedGeneration": step.observed, "readyReplicas": step.ready}}}
		o.SetGeneration(2)
		if got := a.progresses(o); got != step.want {
			t.Errorf("state %d: %v", i+1, got)
		}
	}
}
