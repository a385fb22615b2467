package release

import (
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// rendered returns the values that Helm renders a chart with that it has not seen yet: the user's over the chart's
// own, with what dependencies import and without those that conditions and tags leave out. The chart stays as
// it is, for Helm processes it itself when it is applied.
func rendered(c *chart.Chart, user map[string]any) (map[string]any, error) {
	if c == nil {
		return map[string]any{}, nil
	}
	c = copyOf(c)
	if err := chartutil.ProcessDependenciesWithMerge(c, user); err != nil {
		return nil, err
	}
	return chartutil.CoalesceValues(c, user)
}

// copyOf returns a chart that can be processed in the place of the other one: processing replaces values, takes
// dependencies away and renames them.
func copyOf(c *chart.Chart) *chart.Chart {
	one := *c
	if c.Metadata != nil {
		metadata := *c.Metadata
		metadata.Dependencies = nil
		for _, d := range c.Metadata.Dependencies {
			if d != nil {
				dependency := *d
				d = &dependency
			}
			metadata.Dependencies = append(metadata.Dependencies, d)
		}
		one.Metadata = &metadata
	}
	var all []*chart.Chart
	for _, d := range c.Dependencies() {
		all = append(all, copyOf(d))
	}
	one.SetDependencies(all...)
	return &one
}

// copied returns a copy of values, nulls included. Helm's CoalesceTables writes into both its arguments, and takes a
// null away once it has had its effect, so that merging the same values a second time brings the old ones back.
func copied(values map[string]any) (map[string]any, error) {
	return chartutil.CoalesceValues(&chart.Chart{Metadata: &chart.Metadata{}}, values)
}

// valuesOf returns the values of a stored revision, whose chart Helm has processed before it stored it.
func valuesOf(rel *helmrelease.Release) (map[string]any, error) {
	if rel == nil || rel.Chart == nil {
		return map[string]any{}, nil
	}
	return chartutil.CoalesceValues(rel.Chart, rel.Config)
}

// Values returns the values of the install; of a resumed one whose revision exists, those of the revision.
func (i *Install) Values() (map[string]any, error) {
	if i.applied() {
		return valuesOf(i.release)
	}
	return rendered(i.chart.located, i.chart.merged)
}

// Values returns the values of the upgrade. Values of the old revision are reused as in Helm's
// action.Upgrade.reuseValues. Of a resumed upgrade whose revision exists, it returns those of the revision.
func (u *Upgrade) Values() (map[string]any, error) {
	if u.applied() {
		return valuesOf(u.release)
	}
	user, err := copied(u.chart.merged)
	if err != nil {
		return nil, err
	}
	var before map[string]any
	if u.current != nil {
		if before, err = copied(u.current.Config); err != nil {
			return nil, err
		}
	}
	c, located := u.client, u.chart.located
	switch {
	case u.current == nil || c.ResetValues:
	case c.ReuseValues:
		old, err := valuesOf(u.current)
		if err != nil {
			return nil, err
		}
		user = chartutil.CoalesceTables(user, before)
		if located != nil {
			located = copyOf(located)
			located.Values = old
		}
	case c.ResetThenReuseValues:
		user = chartutil.CoalesceTables(user, before)
	case len(user) == 0:
		user = before
	}
	return rendered(located, user)
}

// Values returns the values of the revision that is restored.
func (r *Rollback) Values() (map[string]any, error) { return valuesOf(r.target) }

// StoredValues returns the values of a release's newest revision.
func (h *Helm) StoredValues(name string) (map[string]any, error) {
	rel, err := h.last(name)
	if err != nil {
		return nil, err
	}
	return valuesOf(rel)
}
