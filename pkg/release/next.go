package release

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// dryRunServer renders without changing anything; templates may look things up in the cluster.
const dryRunServer = "server"

// Next renders the chart. What templates make anew each time, such as random passwords, is not what
// Apply will apply.
func (i *Install) Next() ([]*unstructured.Unstructured, error) {
	chart, err := i.chart.load()
	if err != nil {
		return nil, i.wrap(err)
	}
	c := i.client
	defer func(dry bool, option string, wait, atomic, namespace bool) {
		c.DryRun, c.DryRunOption, c.Wait, c.Atomic, c.CreateNamespace = dry, option, wait, atomic, namespace
	}(c.DryRun, c.DryRunOption, c.Wait, c.Atomic, c.CreateNamespace)
	c.DryRun, c.DryRunOption, c.Wait, c.Atomic, c.CreateNamespace = true, dryRunServer, false, false, false
	rel, err := c.Run(chart, i.chart.merged)
	if err != nil {
		return nil, i.wrap(err)
	}
	return objects(rel.Manifest, rel.Namespace)
}

// Next renders the chart; see Install.Next.
func (u *Upgrade) Next() ([]*unstructured.Unstructured, error) {
	if u.instead != nil {
		return u.instead.Next()
	}
	chart, err := u.chart.load()
	if err != nil {
		return nil, err
	}
	c := u.client
	defer func(dry bool, option string, wait, atomic bool) {
		c.DryRun, c.DryRunOption, c.Wait, c.Atomic = dry, option, wait, atomic
	}(c.DryRun, c.DryRunOption, c.Wait, c.Atomic)
	c.DryRun, c.DryRunOption, c.Wait, c.Atomic = true, dryRunServer, false, false
	rel, err := c.Run(u.name, chart, u.chart.merged)
	if err != nil {
		return nil, u.wrap(err)
	}
	return objects(rel.Manifest, rel.Namespace)
}

// Next returns the objects of the revision that is gone back to.
func (r *Rollback) Next() ([]*unstructured.Unstructured, error) { return appliedObjects(r.target) }

// Next returns nothing: an uninstall applies nothing.
func (u *Uninstall) Next() ([]*unstructured.Unstructured, error) { return nil, nil }
