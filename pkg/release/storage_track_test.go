package release

import (
	"testing"

	helmrelease "helm.sh/helm/v3/pkg/release"
)

// TestPreviousRevision: a failed hook of a rollback leaves the status of the previous revision. After other failures of a
// rollback, Helm marks it as superseded.
func TestPreviousRevision(t *testing.T) {
	for name, test := range map[string]struct {
		kept bool
		want helmrelease.Status
	}{
		"hooks failed":   {true, helmrelease.StatusDeployed},
		"objects failed": {false, helmrelease.StatusSuperseded},
	} {
		h := history(t, helmrelease.StatusDeployed)
		a := &activeChange{}
		h.config.Releases.Driver = &trackingDriver{h.config.Releases.Driver, &client{active: a}}
		next := &helmrelease.Release{Name: "web", Version: 2, Info: &helmrelease.Info{Status: helmrelease.StatusPendingRollback}}
		if err := h.config.Releases.Create(next); err != nil {
			t.Fatal(err)
		}
		a.hooksFailed = test.kept
		before, err := h.config.Releases.Get("web", 1)
		if err != nil {
			t.Fatal(err)
		}
		noted := *before
		noted.Info = &helmrelease.Info{Status: helmrelease.StatusSuperseded}
		next.Info.Status = helmrelease.StatusFailed
		for _, rel := range []*helmrelease.Release{&noted, next} {
			if err := h.config.Releases.Update(rel); err != nil {
				t.Fatal(err)
			}
		}
		for version, want := range map[int]helmrelease.Status{1: test.want, 2: helmrelease.StatusFailed} {
			if rel, err := h.config.Releases.Get("web", version); err != nil || rel.Info.Status != want {
				t.Errorf("%s: revision %d: %v, error %v; it is to be %s", name, version, rel.Info.Status, err, want)
			}
		}
	}
}
