package release

import (
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

func filesOf(rel *helmrelease.Release) []File {
	if rel == nil {
		return nil
	}
	return files(rel.Chart)
}

// Files returns the files of the chart that is to be installed.
func (i *Install) Files() []File { return files(i.chart.located) }

// Files returns the files of the chart that the release is upgraded to.
func (u *Upgrade) Files() []File {
	if u.instead != nil {
		return u.instead.Files()
	}
	return files(u.chart.located)
}

// Files returns the files of the chart of the revision that is gone back to, as it is stored.
func (r *Rollback) Files() []File { return filesOf(r.target) }

// Files returns the files of the chart of the release's newest revision, as it is stored.
func (u *Uninstall) Files() []File { return filesOf(u.last) }

// StoredFiles returns the files of the chart of a release's newest revision, as it is stored.
func (h *Helm) StoredFiles(name string) ([]File, error) {
	rel, err := h.last(name)
	if err != nil {
		return nil, err
	}
	return files(rel.Chart), nil
}
