package record

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
)

func store() (ClusterStore, *fake.Clientset) {
	client := fake.NewClientset()
	return ClusterStore{Client: func() (kubernetes.Interface, error) { return client, nil }, Namespace: "ns"}, client
}

// TestOldestFirst: of runs that began in the same second the one that began last is the newest, whatever the random
// part of its ID is.
func TestOldestFirst(t *testing.T) {
	cluster, _ := store()
	places := map[string]Store{
		"cluster": cluster,
		"files":   LocalStore{Dir: t.TempDir(), Namespace: "ns"},
	}
	began := time.Date(2026, 11, 25, 22, 30, 7, 0, time.UTC)
	want := []string{"20261125-223006-ffffff", "20261125-223007-f00000", "20261125-223007-00000a"}
	for name, runs := range places {
		for i, id := range []string{want[2], want[0], want[1]} {
			run := &Stored{Run: Run{ID: id, Release: "web", Namespace: "ns", Start: began.Add([]time.Duration{900, -1, 100}[i] * time.Millisecond)}}
			if err := runs.Put(t.Context(), run); err != nil {
				t.Fatal(err)
			}
		}
		all, _, err := List(t.Context(), runs, "web")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range all {
			got = append(got, r.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
