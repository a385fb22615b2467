package release

import (
	"os"
	"path/filepath"
	"slices"

	"helm.sh/helm/v3/pkg/chart"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// File is a file of a chart that is neither a template nor one of Helm's own.
type File struct {
	// Name is the path relative to the chart's root, with slashes.
	Name string
	Text []byte
}

// chartFiles returns the files of a chart; nothing if it is nil.
func chartFiles(c *chart.Chart) []File {
	if c == nil {
		return nil
	}
	all := make([]File, len(c.Files))
	for i, f := range c.Files {
		all[i] = File{Name: f.Name, Text: f.Data}
	}
	return all
}

// files returns the files of the located chart, without those that a symbolic link outside the chart's directory
// leads to. Helm reads these, but a chart must not choose files of this machine as task documents.
func (c *chartSource) files() []File {
	if info, err := os.Stat(c.path); err == nil && !info.IsDir() {
		return chartFiles(c.located) // Helm ignores links in an archive
	}
	root, err := os.OpenRoot(c.path)
	if err != nil {
		return nil
	}
	defer root.Close() //nolint:errcheck // opened for reading only
	return slices.DeleteFunc(chartFiles(c.located), func(f File) bool {
		_, err := root.Stat(filepath.FromSlash(f.Name))
		return err != nil
	})
}

// storedFiles returns the files of the chart of a stored revision; nothing if it is nil.
func storedFiles(rel *helmrelease.Release) []File {
	if rel == nil {
		return nil
	}
	return chartFiles(rel.Chart)
}

// Files returns the files of the chart that is installed.
func (i *Install) Files() []File { return i.chart.files() }

// Files returns the files of the chart that the release is upgraded to.
func (u *Upgrade) Files() []File { return u.chart.files() }

// Files returns the files of the chart of the revision that is restored, as stored.
func (r *Rollback) Files() []File { return storedFiles(r.target) }

// StoredFiles returns the files of the chart of a release's newest revision, as stored. It is an error if the release
// does not exist.
func (h *Helm) StoredFiles(name string) ([]File, error) {
	rel, err := h.last(name)
	if err != nil {
		return nil, err
	}
	return chartFiles(rel.Chart), nil
}
