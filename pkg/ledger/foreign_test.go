package ledger

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
)

// TestForeignLedger: a Secret of the ledger's name that belongs to another program or release is neither read, nor
// changed, nor deleted.
func TestForeignLedger(t *testing.T) {
	for name, secret := range map[string]*corev1.Secret{
		"of another type":    {ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{record.ReleaseLabel: "web"}}, Type: corev1.SecretTypeOpaque},
		"of another release": {ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{record.ReleaseLabel: "db"}}, Type: secretType},
	} {
		secret.Name, secret.Namespace, secret.Data = "kubectl-tasks.web", "ns", map[string][]byte{key: []byte("{}"), "other": []byte("x")}
		client := fake.NewClientset(secret)
		store := Store{Client: func() (kubernetes.Interface, error) { return client, nil }, Namespace: "ns", Release: "web"}
		_, load := store.Load(t.Context())
		update := store.update(t.Context(), func(r *Ledger) error { r.Entries = []Entry{{ID: "1"}}; return nil })
		for what, err := range map[string]error{"load": load, "update": update, "delete": store.Delete(t.Context())} {
			if err == nil || !strings.Contains(err.Error(), "it is not changed") {
				t.Errorf("%s of one %s: %v", what, name, err)
			}
		}
		live, err := client.CoreV1().Secrets("ns").Get(t.Context(), secret.Name, metav1.GetOptions{})
		if err != nil || len(live.Data) != 2 {
			t.Errorf("one %s: %v, %v", name, live, err)
		}
	}
}

// TestNothingIsLostSilently: entries that the ledger has no room for are counted.
func TestNothingIsLostSilently(t *testing.T) {
	r := &Ledger{}
	for i := range 3000 {
		r.Entries = append(r.Entries, Entry{ID: strings.Repeat("x", 300), Revision: i + 1})
	}
	text, err := r.encoded()
	if err != nil || len(text) > maxBytes || r.Dropped.Count == 0 || r.Dropped.Count+len(r.Entries) != 3000 || r.Dropped.Revision != r.Dropped.Count {
		t.Errorf("%d bytes, %+v, %d left, %v", len(text), r.Dropped, len(r.Entries), err)
	}
}
