package release

import (
	"bytes"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// dryRunServer is the value of --dry-run with which templates can look up objects of the cluster.
const dryRunServer = "server"

// Render renders the chart. Values that templates generate each time, such as random passwords, differ from those
// that Apply applies.
func (i *Install) Render() ([]*unstructured.Unstructured, error) {
	chart, err := i.chart.load()
	if err != nil {
		return nil, i.wrap(err)
	}
	c := i.client
	defer func(dry bool, option string, wait, atomic, namespace bool) {
		c.DryRun, c.DryRunOption, c.Wait, c.Atomic, c.CreateNamespace = dry, option, wait, atomic, namespace
	}(c.DryRun, c.DryRunOption, c.Wait, c.Atomic, c.CreateNamespace)
	c.DryRun, c.DryRunOption, c.Wait, c.Atomic, c.CreateNamespace = true, dryRunServer, false, false, false
	user, err := copyValues(i.chart.merged)
	if err != nil {
		return nil, i.wrap(err)
	}
	rel, err := c.Run(chart, user)
	if err != nil {
		return nil, i.wrap(err)
	}
	return objects(rel.Manifest, rel.Namespace)
}

// Render renders the chart; see Install.Render.
func (u *Upgrade) Render() ([]*unstructured.Unstructured, error) {
	chart, err := u.chart.load()
	if err != nil {
		return nil, err
	}
	c := u.client
	defer func(dry bool, option string, wait, atomic bool) {
		c.DryRun, c.DryRunOption, c.Wait, c.Atomic = dry, option, wait, atomic
	}(c.DryRun, c.DryRunOption, c.Wait, c.Atomic)
	c.DryRun, c.DryRunOption, c.Wait, c.Atomic = true, dryRunServer, false, false
	user, err := copyValues(u.chart.merged)
	if err != nil {
		return nil, u.wrap(err)
	}
	rel, err := c.Run(u.name, chart, user)
	if err != nil {
		return nil, u.wrap(err)
	}
	return objects(rel.Manifest, rel.Namespace)
}

// Render returns the objects of the revision that is restored.
func (r *Rollback) Render() ([]*unstructured.Unstructured, error) { return appliedObjects(r.target) }

// TemplatesContain searches the templates of the chart and its dependencies.
func (i *Install) TemplatesContain(text string) bool { return inTemplates(i.chart.located, text) }

// TemplatesContain searches the templates of the chart and its dependencies.
func (u *Upgrade) TemplatesContain(text string) bool { return inTemplates(u.chart.located, text) }

// TemplatesContain searches the manifest of the revision that is restored.
func (r *Rollback) TemplatesContain(text string) bool {
	return r.target != nil && strings.Contains(r.target.Manifest, text)
}

// inTemplates reports whether a text occurs in the templates of a chart or its dependencies.
func inTemplates(c *chart.Chart, text string) bool {
	if c == nil {
		return false
	}
	return slices.ContainsFunc(c.Templates, func(f *chart.File) bool { return bytes.Contains(f.Data, []byte(text)) }) ||
		slices.ContainsFunc(c.Dependencies(), func(d *chart.Chart) bool { return inTemplates(d, text) })
}
