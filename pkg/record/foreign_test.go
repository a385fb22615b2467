package record

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestForeignRun: the fields of a record are compared with the Secret that holds it.
func TestForeignRun(t *testing.T) {
	for name, change := range map[string]func(*Run, *corev1.Secret){
		`record of run "b"`:        func(r *Run, _ *corev1.Secret) { r.ID = "b" },
		`namespace "other"`:        func(r *Run, _ *corev1.Secret) { r.Namespace = "other" },
		`release "db"`:             func(r *Run, _ *corev1.Secret) { r.Release = "db" },
		`label`:                    func(_ *Run, s *corev1.Secret) { delete(s.Labels, ReleaseLabel) },
		`its type is "Opaque"`:     func(_ *Run, s *corev1.Secret) { s.Type = corev1.SecretTypeOpaque },
		`in namespace "elsewhere"`: func(r *Run, _ *corev1.Secret) { r.Steps[0].Created[0].Namespace = "elsewhere" },
		`with UID ""`:              func(r *Run, _ *corev1.Secret) { r.Steps[0].Created[0].UID = "" },
		`Pod ""`:                   func(r *Run, _ *corev1.Secret) { r.Steps[0].Created[0].Name = "" },
		`workload "a/b/c"`:         func(r *Run, _ *corev1.Secret) { r.ScaledUp[0].Target = "a/b/c" },
		`with -1 replicas`:         func(r *Run, _ *corev1.Secret) { r.ScaledUp[0].Replicas = -1 },
		"":                         func(*Run, *corev1.Secret) {},
	} {
		run := Run{
			ID: "a", Namespace: "ns", Release: "web", ScaledUp: []ScaledUp{{"deployment/web", "u", 1}},
			Steps: []Step{{ID: "one", Created: []task.Object{{Kind: "Pod", Namespace: "ns", Name: "one", UID: "u"}}}},
		}
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: runName("a"), Namespace: "ns", Labels: map[string]string{runLabel: "a", ReleaseLabel: "web"}}, Type: runType}
		change(&run, secret)
		var err error
		if secret.Data, err = encodeStored(&Stored{Run: run}); err != nil {
			t.Fatal(err)
		}
		client := fake.NewClientset(secret)
		runs := ClusterStore{Client: func() (kubernetes.Interface, error) { return client, nil }, Namespace: "ns"}
		_, err = runs.Get(t.Context(), "a")
		if (err == nil) != (name == "") || err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestNothingIsLostSilently: the steps whose logs a record has no room for are named.
func TestNothingIsLostSilently(t *testing.T) {
	run := &Stored{Run: Run{ID: "a", Steps: []Step{{ID: "old"}, {ID: "new"}}}, logs: map[string][]byte{"old": make([]byte, maxBytes/2), "new": make([]byte, maxBytes*2/3)}}
	data, err := encodeStored(run)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeStored(data)
	if err != nil || len(got.DroppedLogs) != 1 || got.DroppedLogs[0] != "old" || got.logs["new"] == nil || got.logs["old"] != nil {
		t.Errorf("%v, %v", got.DroppedLogs, err)
	}
}
