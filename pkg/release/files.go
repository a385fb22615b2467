package release

import (
	"os"
	"path/filepath"
	"slices"

	"helm.sh/helm/v3/pkg/chart"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// File is a file of a chart that is neither a template nor Helm's own.
type File struct {
	// Name is the path below the chart's root.
	Name string
	Text []byte
}

func files(c *chart.Chart) []File {
	if c == nil {
		return nil
	}
	all := make([]File, len(c.Files))
	for i, f := range c.Files {
		all[i] = File{Name: f.Name, Text: f.Data}
	}
	return all
}

// files returns those of the chart as it was located. What leads out of the chart's directory over a symbolic
// link is none of them, although Helm reads it: nobody who writes a chart chooses a file of this machine.
func (c *chartSource) files() []File {
	if info, err := os.Stat(c.path); err == nil && !info.IsDir() {
		return files(c.located) // an archive, of which Helm takes no links
	}
	root, err := os.OpenRoot(c.path)
	if err != nil {
		return nil
	}
	defer root.Close() //nolint:errcheck // it was only read
	return slices.DeleteFunc(files(c.located), func(f File) bool {
		_, err := root.Stat(filepath.FromSlash(f.Name))
		return err != nil
	})
}

func filesOf(rel *helmrelease.Release) []File {
	if rel == nil {
		return nil
	}
	return files(rel.Chart)
}

// Files returns the files of the chart that is installed.
func (i *Install) Files() []File { return i.chart.files() }

// Files returns the files of the chart that the release is upgraded to.
func (u *Upgrade) Files() []File { return u.chart.files() }

// Files returns the files of the chart of the revision that is restored, as stored.
func (r *Rollback) Files() []File { return filesOf(r.target) }

// StoredFiles returns the files of the chart of a release's newest revision, as it is stored.
func (h *Helm) StoredFiles(name string) ([]File, error) {
	rel, err := h.last(name)
	if err != nil {
		return nil, err
	}
	return files(rel.Chart), nil
}
