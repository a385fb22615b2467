package release

import (
	"context"
	"errors"
	"io"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
	helmkube "helm.sh/helm/v3/pkg/kube/fake"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// TestRollBack: the rollback of --atomic after a failed upgrade removes no revisions from the history, as with Helm.
func TestRollBack(t *testing.T) {
	h := history(t, helmrelease.StatusSuperseded, helmrelease.StatusDeployed, helmrelease.StatusFailed)
	h.config.KubeClient = &helmkube.PrintingKubeClient{Out: io.Discard}
	h.Settings, h.client = &Settings{}, &client{}
	last, err := h.config.Releases.Get("web", 2)
	if err != nil {
		t.Fatal(err)
	}
	u := &Upgrade{base: base{helm: h, name: "web", last: last}}
	u.client = NewUpgrade(h).client
	u.client.MaxHistory = 2
	if how, err := u.rollBack(); err != nil || how != "rolled back to revision 2" {
		t.Fatalf("%q, error %v", how, err)
	}
	for version, want := range map[int]helmrelease.Status{
		1: helmrelease.StatusSuperseded, 2: helmrelease.StatusSuperseded, 3: helmrelease.StatusFailed, 4: helmrelease.StatusDeployed,
	} {
		rel, err := h.config.Releases.Get("web", version)
		if err != nil {
			t.Errorf("revision %d: %v", version, err)
		} else if rel.Info.Status != want {
			t.Errorf("revision %d is %s, not %s", version, rel.Info.Status, want)
		}
	}
}

// TestUninstalled: an uninstall that Helm would refuse is refused before tasks run.
func TestUninstalled(t *testing.T) {
	h := history(t, helmrelease.StatusSuperseded, helmrelease.StatusUninstalled)
	h.config.KubeClient = &helmkube.PrintingKubeClient{Out: io.Discard}
	for _, keep := range []bool{false, true} {
		u := NewUninstall(h)
		u.client.KeepHistory = keep
		if _, err := u.For("web").Prepare(); errors.As(err, new(*PreflightError)) != keep {
			t.Errorf("--keep-history=%t: %v", keep, err)
		}
	}
}

// TestFailedRollback: a rollback that fails after its revision was stored returns that revision, and one that fails
// before returns none.
func TestFailedRollback(t *testing.T) {
	for name, test := range map[string]struct {
		to, want int
	}{"the objects": {1, 3}, "no such revision": {7, 0}} {
		h := history(t, helmrelease.StatusSuperseded, helmrelease.StatusDeployed)
		h.config.KubeClient = &helmkube.FailingKubeClient{PrintingKubeClient: helmkube.PrintingKubeClient{Out: io.Discard}, UpdateError: errors.New("refused")}
		h.Settings, h.client = &Settings{}, &client{}
		r := NewRollback(h)
		r.name, r.client.Version = "web", test.to
		var err error
		if r.last, err = h.find("web"); err != nil {
			t.Fatal(err)
		}
		if err := r.Apply(); err == nil || r.Revision() != test.want {
			t.Errorf("%s: revision %d, error %v", name, r.Revision(), err)
		}
	}
}

// TestRollbackError: if the rollback of --atomic fails, too, RollBack returns its error.
func TestRollbackError(t *testing.T) {
	h := history(t, helmrelease.StatusDeployed)
	h.Settings, h.client, h.mode = &Settings{}, &client{ctx: t.Context()}, HooksSerial
	h.hooks = func(context.Context, string, []*Hook) error { return nil }
	h.config.Capabilities = chartutil.DefaultCapabilities
	h.config.KubeClient = &helmkube.FailingKubeClient{PrintingKubeClient: helmkube.PrintingKubeClient{Out: io.Discard}, UpdateError: errors.New("refused")}
	h.config.Releases.Driver = &trackingDriver{h.config.Releases.Driver, h.client}
	u := NewUpgrade(h)
	u.name, u.chart.path, u.client.Atomic = "web", chartDir(t), true
	var err error
	if u.last, err = h.find("web"); err != nil {
		t.Fatal(err)
	}
	chart, err := u.chart.load()
	if err != nil {
		t.Fatal(err)
	}
	if u.failed = u.run(chart) != nil; !u.failed {
		t.Fatal("an upgrade that the server refuses is no error")
	}
	if how, err := u.RollBack(); err == nil || how != "" {
		t.Errorf("%q, error %v", how, err)
	}
}
