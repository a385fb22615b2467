package service

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
)

// TestReplicasBefore: the values that the idler's annotation may have.
func TestReplicasBefore(t *testing.T) {
	for value, want := range map[string]int64{"2": 2, "0": 1, "-3": 1, "many": 1, "": 1, "16": 16, "900": 16} {
		if got := replicasBefore(idle("web", value)); got != want {
			t.Errorf("%q: %d, want %d", value, got, want)
		}
	}
	if got := replicasBefore(appsv1.Deployment{}); got != 1 {
		t.Errorf("without the annotation: %d, want 1", got)
	}
}
