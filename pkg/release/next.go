package release

import (
	"bytes"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
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
	user, err := copied(i.chart.merged)
	if err != nil {
		return nil, i.wrap(err)
	}
	rel, err := c.Run(chart, user)
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
	user, err := copied(u.chart.merged)
	if err != nil {
		return nil, u.wrap(err)
	}
	rel, err := c.Run(u.name, chart, user)
	if err != nil {
		return nil, u.wrap(err)
	}
	return objects(rel.Manifest, rel.Namespace)
}

// Next returns the objects of the revision that is gone back to.
func (r *Rollback) Next() ([]*unstructured.Unstructured, error) { return appliedObjects(r.target) }

// Next returns nothing: an uninstall applies nothing.
func (u *Uninstall) Next() ([]*unstructured.Unstructured, error) { return nil, nil }

// Templates looks through the chart and its dependencies.
func (i *Install) Templates(text string) bool { return inTemplates(i.chart.located, text) }

// Templates looks through the chart and its dependencies.
func (u *Upgrade) Templates(text string) bool {
	if u.instead != nil {
		return u.instead.Templates(text)
	}
	return inTemplates(u.chart.located, text)
}

// Templates looks through the manifest of the revision that is gone back to.
func (r *Rollback) Templates(text string) bool {
	return r.target != nil && strings.Contains(r.target.Manifest, text)
}

// Templates is false: an uninstall applies nothing.
func (u *Uninstall) Templates(string) bool { return false }

func inTemplates(c *chart.Chart, text string) bool {
	if c == nil {
		return false
	}
	return slices.ContainsFunc(c.Templates, func(f *chart.File) bool { return bytes.Contains(f.Data, []byte(text)) }) ||
		slices.ContainsFunc(c.Dependencies(), func(d *chart.Chart) bool { return inTemplates(d, text) })
}
