package release

import (
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// coalesced returns the user's values over the chart's own, as templates see them.
func coalesced(c *chart.Chart, user map[string]any) (map[string]any, error) {
	if c == nil {
		return map[string]any{}, nil
	}
	return chartutil.CoalesceValues(c, user)
}

func valuesOf(rel *helmrelease.Release) (map[string]any, error) {
	if rel == nil {
		return map[string]any{}, nil
	}
	return coalesced(rel.Chart, rel.Config)
}

// Values are those of the install.
func (i *Install) Values() (map[string]any, error) {
	return coalesced(i.chart.located, i.chart.merged)
}

// Values are those that the release is upgraded with. Which of the old release's are among them
// is decided as in Helm's action.Upgrade.reuseValues.
func (u *Upgrade) Values() (map[string]any, error) {
	if u.instead != nil {
		return u.instead.Values()
	}
	// A copy, because CoalesceTables writes into its first argument, and Apply needs what the user gave.
	user, err := coalesced(&chart.Chart{Metadata: &chart.Metadata{}}, u.chart.merged)
	if err != nil {
		return nil, err
	}
	c := u.client
	switch {
	case u.last == nil || c.ResetValues:
	case c.ReuseValues:
		old, err := valuesOf(u.last)
		if err != nil {
			return nil, err
		}
		user = chartutil.CoalesceTables(user, old)
	case c.ResetThenReuseValues:
		user = chartutil.CoalesceTables(user, u.last.Config)
	case len(user) == 0:
		user = u.last.Config
	}
	return coalesced(u.chart.located, user)
}

// Values are those of the revision that is gone back to.
func (r *Rollback) Values() (map[string]any, error) { return valuesOf(r.target) }

// Values are those of the release's newest revision.
func (u *Uninstall) Values() (map[string]any, error) { return valuesOf(u.last) }

// StoredValues returns the values of a release's newest revision.
func (h *Helm) StoredValues(name string) (map[string]any, error) {
	rel, err := h.last(name)
	if err != nil {
		return nil, err
	}
	return valuesOf(rel)
}
