package release

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// TestUpgradeValues: which of the old values are among those of an upgrade, and that asking for
// them leaves what the user gave as it was, because Apply hands that to Helm.
func TestUpgradeValues(t *testing.T) {
	type values = map[string]any
	last := &helmrelease.Release{
		Chart:  &chart.Chart{Metadata: &chart.Metadata{Name: "web"}, Values: values{"a": "old chart", "b": "old chart", "d": values{"x": "old chart"}}},
		Config: values{"b": "old user"},
	}
	located := &chart.Chart{Metadata: &chart.Metadata{Name: "web"}, Values: values{"a": "chart", "b": "chart", "c": "chart"}}
	for _, test := range []struct {
		name   string
		client *action.Upgrade
		user   values
		want   values
	}{
		{"new values alone", &action.Upgrade{}, values{"a": "user"}, values{"a": "user", "b": "chart", "c": "chart"}},
		{"no new values", &action.Upgrade{}, values{}, values{"a": "chart", "b": "old user", "c": "chart"}},
		{"--reset-values", &action.Upgrade{ResetValues: true}, values{}, values{"a": "chart", "b": "chart", "c": "chart"}},
		{
			"--reuse-values",
			&action.Upgrade{ReuseValues: true},
			values{"a": "user", "d": values{"y": "user"}},
			values{"a": "user", "b": "old user", "c": "chart", "d": values{"x": "old chart", "y": "user"}},
		},
		{"--reset-then-reuse-values", &action.Upgrade{ResetThenReuseValues: true}, values{"a": "user"}, values{"a": "user", "b": "old user", "c": "chart"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, err := coalesced(&chart.Chart{Metadata: &chart.Metadata{}}, test.user)
			if err != nil {
				t.Fatal(err)
			}
			u := &Upgrade{client: test.client, last: last, chart: chartSource{located: located, merged: test.user}}
			got, err := u.Values()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, test.user); diff != "" {
				t.Errorf("what the user gave was changed (-before +after):\n%s", diff)
			}
		})
	}
}
