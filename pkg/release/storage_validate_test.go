package release

import (
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

// oneRelease is a storage driver with one release.
type oneRelease struct {
	driver.Driver
	rel *helmrelease.Release
}

func (o oneRelease) Get(string) (*helmrelease.Release, error) { return o.rel, nil }

// TestValidatingDriver: a release that Helm cannot have stored, or that belongs elsewhere, is an error and no panic.
func TestValidatingDriver(t *testing.T) {
	const key = "sh.helm.release.v1.web.v1"
	for want, change := range map[string]func(*helmrelease.Release){
		"":                         func(*helmrelease.Release) {},
		`has the namespace "other`: func(r *helmrelease.Release) { r.Namespace = "other" },
		"has no status":            func(r *helmrelease.Release) { r.Info = nil },
		"has an incomplete chart":  func(r *helmrelease.Release) { r.Chart.Templates = []*chart.File{nil} },
		"has an empty hook":        func(r *helmrelease.Release) { r.Hooks = []*helmrelease.Hook{nil} },
		"v1.db.v1":                 func(r *helmrelease.Release) { r.Name = "db" },
		"v1.web.v7":                func(r *helmrelease.Release) { r.Version = 7 },
	} {
		rel := helmrelease.Mock(&helmrelease.MockReleaseOptions{Name: "web", Version: 1, Namespace: "ns"})
		change(rel)
		got, err := validatingDriver{oneRelease{rel: rel}, "ns"}.Get(key)
		if want == "" && (err != nil || got == nil) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", want, err)
		}
	}
	client := fake.NewClientset(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: key, Namespace: "ns", Labels: map[string]string{"owner": "helm", "name": "web"}}, Data: map[string][]byte{"release": []byte("x")}})
	damaged := validatingDriver{driver.NewSecrets(client.CoreV1().Secrets("ns")), "ns"}
	if _, err := damaged.Get(key); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("damaged: %v", err)
	}
	if _, err := damaged.Delete(key); err == nil {
		t.Error("what is damaged is deleted as if it was read")
	}
}
