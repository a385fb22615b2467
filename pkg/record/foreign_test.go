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

// TestForeignRun: what a record says of itself is held against the Secret that it is in.
func TestForeignRun(t *testing.T) {
	for name, change := range map[string]func(*Run, *corev1.Secret){
		`record of run "b"`:        func(r *Run, _ *corev1.Secret) { r.ID = "b" },
		`namespace "other"`:        func(r *Run, _ *corev1.Secret) { r.Namespace = "other" },
		`release "db"`:             func(r *Run, _ *corev1.Secret) { r.Release = "db" },
		`label`:                    func(_ *Run, s *corev1.Secret) { delete(s.Labels, releaseLabel) },
		`of the type "Opaque"`:     func(_ *Run, s *corev1.Secret) { s.Type = corev1.SecretTypeOpaque },
		`in namespace "elsewhere"`: func(r *Run, _ *corev1.Secret) { r.Steps[0].Made[0].Namespace = "elsewhere" },
		`with UID ""`:              func(r *Run, _ *corev1.Secret) { r.Steps[0].Made[0].UID = "" },
		`Pod ""`:                   func(r *Run, _ *corev1.Secret) { r.Steps[0].Made[0].Name = "" },
		`workload "a/b/c"`:         func(r *Run, _ *corev1.Secret) { r.Woken[0].Target = "a/b/c" },
		`with -1 replicas`:         func(r *Run, _ *corev1.Secret) { r.Woken[0].Replicas = -1 },
		"":                         func(*Run, *corev1.Secret) {},
	} {
		run := Run{
			ID: "a", Namespace: "ns", Release: "web", Woken: []Woken{{"deployment/web", "u", 1}},
			Steps: []Step{{ID: "one", Made: []task.Object{{Kind: "Pod", Namespace: "ns", Name: "one", UID: "u"}}}},
		}
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: runName("a"), Namespace: "ns", Labels: map[string]string{runLabel: "a", releaseLabel: "web"}}, Type: runType}
		change(&run, secret)
		var err error
		if secret.Data, err = encodeStored(&Stored{Run: run}); err != nil {
			t.Fatal(err)
		}
		client := fake.NewClientset(secret)
		runs := ClusterRuns{Client: func() (kubernetes.Interface, error) { return client, nil }, Namespace: "ns"}
		_, err = runs.Get(t.Context(), "a")
		if (err == nil) != (name == "") || err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestForeignLedger: a Secret of the record's name that is somebody else's is neither read, nor changed, nor deleted.
func TestForeignLedger(t *testing.T) {
	for name, secret := range map[string]*corev1.Secret{
		"of another type":    {ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{releaseLabel: "web"}}, Type: corev1.SecretTypeOpaque},
		"of another release": {ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{releaseLabel: "db"}}, Type: secretType},
	} {
		secret.Name, secret.Namespace, secret.Data = "kubectl-tasks.web", "ns", map[string][]byte{key: []byte("{}"), "other": []byte("x")}
		client := fake.NewClientset(secret)
		store := Store{Client: func() (kubernetes.Interface, error) { return client, nil }, Namespace: "ns", Release: "web"}
		_, load := store.Load(t.Context())
		update := store.update(t.Context(), func(r *Record) error { r.Done = []Done{{ID: "1"}}; return nil })
		for what, err := range map[string]error{"load": load, "update": update, "delete": store.Delete(t.Context())} {
			if err == nil || !strings.Contains(err.Error(), "left as it is") {
				t.Errorf("%s of one %s: %v", what, name, err)
			}
		}
		live, err := client.CoreV1().Secrets("ns").Get(t.Context(), secret.Name, metav1.GetOptions{})
		if err != nil || len(live.Data) != 2 {
			t.Errorf("one %s: %v, %v", name, live, err)
		}
	}
}

// TestNothingIsLostSilently: what a record has no room for is counted, and named.
func TestNothingIsLostSilently(t *testing.T) {
	r := &Record{}
	for i := range 3000 {
		r.Done = append(r.Done, Done{ID: strings.Repeat("x", 300), Revision: i + 1})
	}
	text, err := r.encoded()
	if err != nil || len(text) > maxBytes || r.Dropped.Count == 0 || r.Dropped.Count+len(r.Done) != 3000 || r.Dropped.Revision != r.Dropped.Count {
		t.Errorf("%d bytes, %+v, %d left, %v", len(text), r.Dropped, len(r.Done), err)
	}
	run := &Stored{Run: Run{ID: "a", Steps: []Step{{ID: "old"}, {ID: "new"}}}, logs: map[string][]byte{"old": make([]byte, maxBytes/2), "new": make([]byte, maxBytes*2/3)}}
	data, err := encodeStored(run)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeStored(data)
	if err != nil || len(got.Unkept) != 1 || got.Unkept[0] != "old" || got.logs["new"] == nil || got.logs["old"] != nil {
		t.Errorf("%v, %v", got.Unkept, err)
	}
}
