package record

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func store() (ClusterStore, *fake.Clientset) {
	client := fake.NewClientset()
	return ClusterStore{Client: func() (kubernetes.Interface, error) { return client, nil }, Namespace: "ns"}, client
}

// TestOldestFirst: runs that started in the same second are sorted by their start, not by the random part of their IDs.
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

// TestStored: a run is read as it was written, from the cluster and from this machine.
func TestStored(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	code := 3
	want := Run{
		ID: "20260102-030405-abc", Operation: task.Upgrade, Release: "web", Namespace: "ns", Revision: 4, Target: 2,
		Command: []string{"upgrade", "--set=a=b", "web", "./chart"}, Directory: "/work", Owner: lock.Owner{Name: "a@b", PID: 7, URL: "u", Machine: "m", Started: "1"},
		Processes: 1, Start: now, End: &now, Status: task.Failed, ExitCode: 1, Inputs: map[string]string{"the chart": "1"},
		Documents: []Document{{Name: "tasks.yaml", Format: "native", Text: []byte("x")}},
		Steps: []Step{{
			ID: "a", Kind: "task", Digest: "d", Phase: task.PreUpgrade, Executor: "pod", Source: "s", Attempt: 2,
			Created: []task.Object{{Kind: "Pod", Namespace: "ns", Name: "p", UID: "u"}}, State: task.Failed, ExitCode: &code, Reason: "r", Message: "m", Start: &now, End: &now,
			Targets: []task.Target{{Pod: "p", State: task.Failed, ExitCode: &code}}, Outputs: map[string]Output{"o": {Value: "v"}, "secret": {Secret: true}},
		}},
	}
	cluster, client := store()
	for name, runs := range map[string]Store{
		"cluster": cluster,
		"local":   LocalStore{Dir: t.TempDir(), Namespace: "ns"},
	} {
		ctx := t.Context()
		stored := &Stored{Run: want, logs: map[string][]byte{"a": pack([]byte("log"))}}
		if err := runs.Put(ctx, stored); err != nil {
			t.Fatal(name, err)
		}
		got, err := runs.Get(ctx, want.ID)
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(want, got.Run); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if log, err := got.Log("a"); err != nil || string(log) != "log" {
			t.Errorf("%s: log %q, error %v", name, log, err)
		}
		another := &Stored{Run: Run{ID: "20260102-030406-abc", Namespace: "ns"}}
		if err := runs.Put(ctx, another); err != nil {
			t.Error(name, err)
		}
		if again := (&Stored{Run: Run{ID: want.ID}}); !errors.Is(runs.Put(ctx, again), errConflict) {
			t.Errorf("%s: a run that is there was made again", name)
		}
		all, _, err := List(ctx, runs, "")
		of, _, err2 := List(ctx, runs, "web")
		if err != nil || err2 != nil || len(all) != 2 || len(of) != 1 || of[0].ID != want.ID {
			t.Errorf("%s: %d runs, %d of the release, errors %v, %v", name, len(all), len(of), err, err2)
		}
		if err := Prune(ctx, runs, lock.Locks{}, "web", 1); err != nil {
			t.Error(name, err)
		}
		if err := Prune(ctx, runs, lock.Locks{}, "", 0); err != nil {
			t.Error(name, err)
		}
		if all, _, _ := List(ctx, runs, ""); len(all) != 2 {
			t.Errorf("%s: %d are left after pruning nothing", name, len(all))
		}
		if err := errors.Join(runs.Delete(ctx, want.ID), runs.Delete(ctx, want.ID)); err != nil {
			t.Error(name, err)
		}
		if _, err := runs.Get(ctx, want.ID); !errors.Is(err, ErrNoRun) {
			t.Errorf("%s: error %v", name, err)
		}
		for _, bad := range []string{"../x", "", ".."} {
			if _, err := runs.Get(ctx, bad); err == nil {
				t.Errorf("%s: there is a run %q", name, bad)
			}
		}
	}
	if actions := client.Actions(); len(actions) == 0 {
		t.Error("the cluster was not asked")
	}
}

// FuzzStored: a damaged record is an error, never a panic. Any other record is read as it was written.
func FuzzStored(f *testing.F) {
	good, err := encodeRun(&Run{ID: "r", Steps: []Step{{ID: "a", State: task.Succeeded}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, pack([]byte("log")))
	f.Add([]byte("x"), []byte{})
	f.Add(pack([]byte(`{"steps": 1}`)), []byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, run, log []byte) {
		stored, err := decodeStored(map[string][]byte{runKey: run, logPrefix + "0": log})
		if err != nil {
			return
		}
		for _, s := range stored.Steps {
			_, _ = stored.Log(s.ID)
		}
		data, err := encodeStored(stored)
		if err != nil {
			return // too large
		}
		again, err := decodeStored(data)
		if err != nil || len(again.Steps) != len(stored.Steps) {
			t.Errorf("%d steps became %d, error %v", len(stored.Steps), len(again.Steps), err)
		}
	})
}

// TestPruneLocks: the lock that a dead process left of a run without a release is deleted with the run's record.
func TestPruneLocks(t *testing.T) {
	cluster, client := store()
	ctx, end := t.Context(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	runs, locks := cluster, lock.Locks{Client: cluster.Client, Namespace: "ns"}
	ids := []string{"20260102-030405-a", "20260102-030406-b", "20260102-030407-c", "20260102-030408-d"}
	for i, id := range ids {
		run := &Stored{Run: Run{ID: id, Namespace: "ns", Start: end.Add(time.Duration(i) * time.Second)}}
		if i != 1 { // this one may still be running
			run.End, run.Status = &end, task.Succeeded
		}
		if err := runs.Put(ctx, run); err != nil {
			t.Fatal(err)
		}
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: lock.Name("", id), Namespace: "ns"}}
		if _, err := client.CoordinationV1().Leases("ns").Create(ctx, lease, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := Prune(ctx, runs, locks, "", 2); err != nil {
		t.Fatal(err)
	}
	left, err := client.CoordinationV1().Leases("ns").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range left.Items {
		names = append(names, l.Name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{lock.Name("", ids[1]), lock.Name("", ids[2]), lock.Name("", ids[3])}, names); diff != "" {
		t.Errorf("leases (-want +got):\n%s", diff)
	}
}
