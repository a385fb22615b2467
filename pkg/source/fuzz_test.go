package source

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"testing"
)

// FuzzChartPaths: a document of a chart can read only the files of its chart, by any path.
func FuzzChartPaths(f *testing.F) {
	for _, name := range []string{"second.yaml", "./a/../secret", "../secret", "/etc/hostname", "a//b", "", ".", "a\x00b", "files/script.py", "*", "[", "files/*"} {
		f.Add(name, "files/script.py")
	}
	f.Fuzz(func(t *testing.T, name, other string) {
		files := map[string][]byte{"second.yaml": []byte("document"), other: []byte("of the chart")}
		documents, err := (Finder{Formats: formats, Chart: func() (map[string][]byte, error) { return files, nil }}).Named(t.Context(), []string{"chart"})
		if err != nil {
			return // the other file is an invalid document
		}
		for _, d := range documents {
			text, err := d.ReadFile(name)
			switch {
			case err == nil && !bytes.Equal(text, files[path.Clean(name)]):
				t.Errorf("%q reads %q", name, text)
			case err != nil && !errors.Is(err, fs.ErrNotExist):
				t.Errorf("%q: %v", name, err)
			}
			found, err := d.Glob(name)
			if err != nil {
				continue
			}
			for _, n := range found {
				if files[n] == nil {
					t.Errorf("%q finds %q", name, n)
				}
			}
		}
	})
}
