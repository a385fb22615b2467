package release

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	helmkube "helm.sh/helm/v3/pkg/kube"
	"helm.sh/helm/v3/pkg/kube/fake"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
)

// byKey is a storage driver that returns a history in the order of the keys, as a cluster does: v10 before v9.
type byKey struct{ *driver.Memory }

func (d byKey) Query(labels map[string]string) ([]*helmrelease.Release, error) {
	all, err := d.Memory.Query(labels)
	slices.SortFunc(all, func(a, b *helmrelease.Release) int {
		return cmp.Compare(fmt.Sprint("v", a.Version), fmt.Sprint("v", b.Version))
	})
	return all, err
}

// history returns Helm with revisions of the release "web" that have these statuses.
func history(t *testing.T, statuses ...helmrelease.Status) *Helm {
	t.Helper()
	h := &Helm{Settings: NewSettings(), config: &action.Configuration{Releases: storage.Init(byKey{driver.NewMemory()}), KubeClient: &fake.PrintingKubeClient{}}}
	h.config.Log = func(string, ...any) {}
	for i, s := range statuses {
		rel := &helmrelease.Release{
			Name: "web", Version: i + 1, Info: &helmrelease.Info{Status: s}, Config: map[string]any{"greeting": fmt.Sprint("v", i+1)},
		}
		if err := h.config.Releases.Create(rel); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

var _ helmkube.Interface = &fake.PrintingKubeClient{}

// TestNewest: of twelve revisions, every method finds the twelfth as the newest.
func TestNewest(t *testing.T) {
	statuses := slices.Repeat([]helmrelease.Status{helmrelease.StatusSuperseded}, 12)
	statuses[11] = helmrelease.StatusDeployed
	h := history(t, statuses...)
	rollback := NewRollback(h)
	if _, err := rollback.Name([]string{"web"}); err != nil {
		t.Fatal(err)
	}
	uninstall := NewUninstall(h).For("web")
	for name, prepare := range map[string]func() (Change, error){"rollback": rollback.Prepare, "uninstall": uninstall.Prepare} {
		if _, err := prepare(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	last, err := h.find("web")
	if err != nil {
		t.Fatal(err)
	}
	number, _, err := h.LastRevision("web")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]int{
		"find": last.Version, "rollback": rollback.last.Version, "its target": rollback.facts.Target + 1, "uninstall": uninstall.last.Version, "the last": number,
	} {
		if got != 12 {
			t.Errorf("%s: %d", name, got)
		}
	}
	if none, err := h.find("none"); none != nil || err != nil {
		t.Errorf("%v, error %v", none, err)
	}
	if _, err := h.find("No"); err == nil {
		t.Error("a name that is none is no error")
	}
}

// TestCurrent: an upgrade starts from the revision that Helm takes: the deployed one, not a later one that failed.
func TestCurrent(t *testing.T) {
	const (
		superseded  = helmrelease.StatusSuperseded
		deployed    = helmrelease.StatusDeployed
		failed      = helmrelease.StatusFailed
		uninstalled = helmrelease.StatusUninstalled
	)
	for name, test := range map[string]struct {
		statuses []helmrelease.Status
		want     int
	}{
		"the newest is deployed":    {[]helmrelease.Status{superseded, deployed}, 2},
		"the newest has failed":     {[]helmrelease.Status{superseded, deployed, failed, failed}, 2},
		"beyond the ninth":          {append(slices.Repeat([]helmrelease.Status{superseded}, 9), deployed, failed), 10},
		"all have failed":           {[]helmrelease.Status{failed, failed}, 2},
		"it was uninstalled before": {[]helmrelease.Status{superseded, uninstalled}, 0},
	} {
		h := history(t, test.statuses...)
		last, err := h.find("web")
		if err != nil {
			t.Fatal(err)
		}
		got, err := h.current(last)
		if revision(got) != test.want || (test.want == 0) != errors.Is(err, driver.ErrNoDeployedReleases) {
			t.Errorf("%s: revision %d, error %v", name, revision(got), err)
		}
	}
}
