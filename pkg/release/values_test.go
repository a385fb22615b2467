package release

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// TestUpgradeValues: an upgrade reuses the right old values, and Values does not change the user's values, which Apply
// passes to Helm.
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
			values{"a": "user", "b": "old user", "d": values{"x": "old chart", "y": "user"}},
		},
		{"--reset-then-reuse-values", &action.Upgrade{ResetThenReuseValues: true}, values{"a": "user"}, values{"a": "user", "b": "old user", "c": "chart"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, err := chartutil.CoalesceValues(&chart.Chart{Metadata: &chart.Metadata{}}, test.user)
			if err != nil {
				t.Fatal(err)
			}
			u := &Upgrade{base: base{last: last}, client: test.client, current: last, chart: chartSource{located: located, merged: test.user}}
			got, err := u.Values()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before.AsMap(), test.user); diff != "" {
				t.Errorf("what the user gave was changed (-before +after):\n%s", diff)
			}
		})
	}
}

// TestRenderValues: expressions see the values that templates see, with those that dependencies export and without those of
// disabled dependencies. The chart is not changed.
func TestRenderValues(t *testing.T) {
	type values = map[string]any
	located := func() *chart.Chart {
		c := &chart.Chart{
			Metadata: &chart.Metadata{Name: "web", Version: "1.0.0", APIVersion: "v2", Dependencies: []*chart.Dependency{
				{Name: "db", Version: "*", Alias: "store", ImportValues: []any{"shared", values{"child": "net", "parent": "database"}}},
				{Name: "cache", Version: "*", Condition: "cache.enabled"},
				{Name: "mail", Version: "*", Tags: []string{"mails"}},
			}},
			Values: values{"cache": values{"enabled": false}, "tags": values{"mails": true}},
		}
		for name, own := range map[string]values{
			"db":    {"exports": values{"shared": values{"user": "shop"}}, "net": values{"port": 5432.0}},
			"cache": {"size": 1.0}, "mail": {"from": "a@b"},
		} {
			c.AddDependency(&chart.Chart{Metadata: &chart.Metadata{Name: name, Version: "1.0.0", APIVersion: "v2"}, Values: own})
		}
		return c
	}
	c := located()
	for name, test := range map[string]struct {
		user, want values
	}{
		"by the chart": {nil, values{"user": "shop", "database": values{"port": 5432.0}, "cache": values{"enabled": false}, "mail": values{"from": "a@b"}}},
		"by the user": {
			values{"cache": values{"enabled": true}, "tags": values{"mails": false}, "user": "me"},
			values{"user": "me", "database": values{"port": 5432.0}, "cache": values{"enabled": true, "size": 1.0}},
		},
	} {
		i := &Install{chart: chartSource{located: c, merged: test.user}}
		got, err := i.Values()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"tags", "store"} {
			delete(got, name)
		}
		for _, of := range got {
			if table, is := of.(values); is {
				delete(table, "global")
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(located().Metadata, c.Metadata); diff != "" || len(c.Dependencies()) != 3 || len(c.Values) != 2 {
		t.Errorf("the chart was changed (-before +after):\n%s", diff)
	}
}
