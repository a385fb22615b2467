package release

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// TestTwice: rendering does not change the user's values, so that a second rendering has the same result. A null among
// them removes the old revision's value. If the first rendering removed the null, the second would restore the value.
func TestTwice(t *testing.T) {
	h := history(t, helmrelease.StatusSuperseded)
	h.config.Capabilities = chartutil.DefaultCapabilities
	old := func() *helmrelease.Release { // a cluster's storage reads it again each time
		return &helmrelease.Release{
			Name: "web", Version: 2, Info: &helmrelease.Info{Status: helmrelease.StatusDeployed}, Config: map[string]any{"greeting": "old"},
			Chart: &chart.Chart{Metadata: &chart.Metadata{}, Values: map[string]any{"greeting": "chart"}},
		}
	}
	if err := h.config.Releases.Create(old()); err != nil {
		t.Fatal(err)
	}
	for name, reuse := range map[string]bool{"--reuse-values": true, "--reset-then-reuse-values": false} {
		u := NewUpgrade(h)
		u.client.ReuseValues, u.client.ResetThenReuseValues = reuse, !reuse
		u.name, u.last, u.current = "web", old(), old()
		u.chart.path, u.chart.merged = chartDir(t), map[string]any{"greeting": nil}
		var err error
		if u.chart.located, err = u.chart.load(); err != nil {
			t.Fatal(err)
		}
		first, err := u.Values()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.Render(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]any{"greeting": nil}, u.chart.merged); diff != "" {
			t.Errorf("%s: what the user gave has changed: %s", name, diff)
		}
		second, err := u.Values()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("%s: the second time they are others: %s", name, diff)
		}
	}
}

// chartDir returns the directory of a chart.
func chartDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n", "values.yaml": "greeting: chart\n", "templates/a.yaml": "kind: A\n",
	} {
		if err := os.MkdirAll(filepath.Join(dir, "templates"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
