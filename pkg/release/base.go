package release

import (
	"errors"

	"helm.sh/helm/v3/pkg/cli/output"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// base has the fields that all changes share and the methods of Change that most of them have in common. Its
// methods fit a change that applies no chart and cannot be rolled back.
type base struct {
	helm   *Helm
	name   string
	format output.Format
	// interrupted is the change that is resumed; nil if there is none.
	interrupted *Interrupted

	// facts and last, the newest revision before the change (nil if there is none), are set by Prepare.
	facts Facts
	last  *helmrelease.Release
	// release is the revision that Apply created, or that the interrupted change had created.
	release *helmrelease.Release
}

// errNoRollback is the error of RollBack for changes that are not reverted.
var errNoRollback = errors.New("only an install or an upgrade can be rolled back")

// Resume makes Prepare continue a change that an earlier process started. It must be called before Prepare.
func (b *base) Resume(i Interrupted) { b.interrupted = &i }

// applied reports whether the change resumes an interrupted one and its revision exists.
func (b *base) applied() bool { return b.interrupted != nil && b.release != nil }

// Facts returns what Prepare found out.
func (b *base) Facts() Facts { return b.facts }

// Inputs returns nothing.
func (b *base) Inputs() map[string]string { return map[string]string{} }

// Files returns the files of the chart of the release's newest revision, as stored.
func (b *base) Files() []File { return storedFiles(b.last) }

// TemplatesContain returns false.
func (b *base) TemplatesContain(string) bool { return false }

// Values returns the values of the release's newest revision.
func (b *base) Values() (map[string]any, error) { return storedValues(b.last) }

// Exclude does nothing.
func (b *base) Exclude(func(apiVersion, kind string) bool) {}

// Excluded returns nothing.
func (b *base) Excluded() [][]byte { return nil }

// Render returns nothing.
func (b *base) Render() ([]*unstructured.Unstructured, error) { return nil, nil }

// Stale reports whether the release has changed since Prepare.
func (b *base) Stale() (bool, error) { return b.helm.changed(b.name, b.last) }

// RollBack returns an error.
func (b *base) RollBack() (string, error) { return "", errNoRollback }

// Revision returns the number of the revision that Apply created; 0 if there is none.
func (b *base) Revision() int { return revision(b.release) }

// FirstDeployed returns when the release was first deployed.
func (b *base) FirstDeployed() string { return firstDeployed(b.last) }

// Objects returns the objects of the revision that Apply created.
func (b *base) Objects() ([]*unstructured.Unstructured, error) { return appliedObjects(b.release) }

// Format returns the output format of Print: table, json or yaml.
func (b *base) Format() string { return string(b.format) }
