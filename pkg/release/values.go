package release

import (
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// renderValues returns the values that Helm will render a chart with: the user's merged over the chart's own, with
// imported values of dependencies, and without dependencies that conditions or tags disable. It does not change
// the chart, because Helm processes it again when it is applied.
func renderValues(c *chart.Chart, user map[string]any) (map[string]any, error) {
	if c == nil {
		return map[string]any{}, nil
	}
	c = copyChart(c)
	if err := chartutil.ProcessDependenciesWithMerge(c, user); err != nil {
		return nil, err
	}
	return chartutil.CoalesceValues(c, user)
}

// copyChart returns a copy of a chart that can be processed: processing replaces values, and removes and renames
// dependencies.
func copyChart(c *chart.Chart) *chart.Chart {
	copied := *c
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
		copied.Metadata = &metadata
	}
	var all []*chart.Chart
	for _, d := range c.Dependencies() {
		all = append(all, copyChart(d))
	}
	copied.SetDependencies(all...)
	return &copied
}

// copyValues returns a copy of values, including nulls. Helm's CoalesceTables writes to both its arguments and removes a
// null when it has applied it, so that a second merge of the same values would restore the old ones.
func copyValues(values map[string]any) (map[string]any, error) {
	return chartutil.CoalesceValues(&chart.Chart{Metadata: &chart.Metadata{}}, values)
}

// storedValues returns the values of a stored revision, whose chart Helm has already processed.
func storedValues(rel *helmrelease.Release) (map[string]any, error) {
	if rel == nil || rel.Chart == nil {
		return map[string]any{}, nil
	}
	return chartutil.CoalesceValues(rel.Chart, rel.Config)
}

// Values returns the values of the install; of a resumed one whose revision exists, those of the revision.
func (i *Install) Values() (map[string]any, error) {
	if i.applied() {
		return storedValues(i.release)
	}
	return renderValues(i.chart.located, i.chart.merged)
}

// Values returns the values of the upgrade. Values of the old revision are reused as in Helm's
// action.Upgrade.reuseValues. Of a resumed upgrade whose revision exists, it returns those of the revision.
func (u *Upgrade) Values() (map[string]any, error) {
	if u.applied() {
		return storedValues(u.release)
	}
	user, err := copyValues(u.chart.merged)
	if err != nil {
		return nil, err
	}
	var oldUser map[string]any
	if u.current != nil {
		if oldUser, err = copyValues(u.current.Config); err != nil {
			return nil, err
		}
	}
	c, located := u.client, u.chart.located
	switch {
	case u.current == nil || c.ResetValues:
	case c.ReuseValues:
		old, err := storedValues(u.current)
		if err != nil {
			return nil, err
		}
		user = chartutil.CoalesceTables(user, oldUser)
		if located != nil {
			located = copyChart(located)
			located.Values = old
		}
	case c.ResetThenReuseValues:
		user = chartutil.CoalesceTables(user, oldUser)
	case len(user) == 0:
		user = oldUser
	}
	return renderValues(located, user)
}

// Values returns the values of the revision that is restored.
func (r *Rollback) Values() (map[string]any, error) { return storedValues(r.target) }

// StoredValues returns the values of a release's newest revision. It is an error if the release does not exist.
func (h *Helm) StoredValues(name string) (map[string]any, error) {
	rel, err := h.last(name)
	if err != nil {
		return nil, err
	}
	return storedValues(rel)
}
