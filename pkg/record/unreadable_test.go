package record

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestUnreadable: unreadable records do not hide others, and are pruned and deleted as others are.
func TestUnreadable(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	cluster, client := store()
	dir := t.TempDir()
	bad := map[string][]byte{
		"nothing": nil, "no archive": []byte("x"), "no JSON": pack([]byte("{")), "another type": pack([]byte(`{"steps":1}`)),
	}
	for name, tt := range map[string]struct {
		runs   Store
		damage func(id string, data []byte) error
	}{
		"cluster": {cluster, func(id string, data []byte) error {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
				Name: runName(id), Namespace: "ns", CreationTimestamp: metav1.NewTime(began),
				Labels: map[string]string{ManagedByLabel: "kubectl-tasks", runLabel: id, ReleaseLabel: "web"},
			}, Type: runType, Data: map[string][]byte{runKey: data}}
			_, err := client.CoreV1().Secrets("ns").Create(t.Context(), secret, metav1.CreateOptions{})
			return err
		}},
		"local": {LocalStore{Dir: dir, Namespace: "ns"}, func(id string, data []byte) error {
			return os.WriteFile(filepath.Join(dir, "ns", id+localSuffix), data, 0o600)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range 3 {
				run := &Stored{Run: Run{ID: fmt.Sprintf("run-%d", i), Release: "web", Namespace: "ns", Start: began.Add(time.Duration(i+1) * time.Minute)}, logs: map[string][]byte{}}
				if i > 0 {
					run.Status = task.Failed
				}
				if err := tt.runs.Put(t.Context(), run); err != nil {
					t.Fatal(err)
				}
			}
			for id, data := range bad {
				if err := tt.damage("bad-"+strings.ReplaceAll(id, " ", "-"), data); err != nil {
					t.Fatal(err)
				}
			}
			all, unreadable, err := List(t.Context(), tt.runs, "web")
			if err != nil || len(all) != 3 || all[0].ID != "run-0" || len(unreadable) != len(bad) {
				t.Fatalf("%d runs, %d cannot be read, error %v", len(all), len(unreadable), err)
			}
			for _, u := range unreadable {
				if !strings.HasPrefix(u.ID, "bad-") || u.Start.IsZero() || u.Err == nil || !strings.Contains(u.Err.Error(), u.ID) {
					t.Errorf("%+v", u)
				}
			}
			if err := Prune(t.Context(), tt.runs, lock.Locks{}, "web", 2); err != nil {
				t.Fatal(err)
			}
			all, unreadable, err = List(t.Context(), tt.runs, "web")
			if err != nil || len(all) != 2 || all[0].ID != "run-1" {
				t.Errorf("%d runs are left, error %v", len(all), err)
			}
			if name == "cluster" && len(unreadable) != 0 { // local files do not name their release
				t.Errorf("%d that cannot be read are left", len(unreadable))
			}
			if err := DeleteAll(t.Context(), tt.runs, "web"); err != nil {
				t.Fatal(err)
			}
			if all, _, err := List(t.Context(), tt.runs, "web"); err != nil || len(all) != 0 {
				t.Errorf("%d runs are left, error %v", len(all), err)
			}
		})
	}
}
