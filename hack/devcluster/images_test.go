package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"testing"
)

func files(t *testing.T, archive []byte) map[string]*tar.Header {
	t.Helper()
	all := map[string]*tar.Header{}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all[h.Name] = h
	}
}

// TestImage: the archive is what containerd's import wants, and its layer is a root file system
// with a shell and three users.
func TestImage(t *testing.T) {
	if _, err := os.Stat("/bin/busybox"); err != nil {
		if err := installPackages(); err != nil {
			t.Fatal(err)
		}
	}
	archive, err := imageArchive(image{name: "example:test", cmd: []string{"/bin/sh"}, programs: map[string]string{"bin/two": "/bin/busybox"}})
	if err != nil {
		t.Fatal(err)
	}
	var manifest []struct {
		Config           string
		RepoTags, Layers []string
	}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if err != nil {
			break
		}
		if h.Name == "manifest.json" {
			if err := json.NewDecoder(r).Decode(&manifest); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(manifest) != 1 || len(manifest[0].RepoTags) != 1 || manifest[0].RepoTags[0] != "example:test" {
		t.Fatalf("manifest %+v", manifest)
	}
	all := files(t, archive)
	for _, name := range append(manifest[0].Layers, manifest[0].Config) {
		if all[name] == nil {
			t.Errorf("the archive lacks %s", name)
		}
	}

	layer, err := busyboxLayer()
	if err != nil {
		t.Fatal(err)
	}
	all = files(t, layer)
	for name, mode := range map[string]fs.FileMode{"bin/busybox": 0o755, "etc/passwd": 0o644, "root/": 0o700, "tmp/": 0o1777} {
		if h := all[name]; h == nil || fs.FileMode(h.Mode) != mode {
			t.Errorf("%s: %+v, want mode %o", name, h, mode)
		}
	}
	if h := all["bin/sh"]; h == nil || h.Linkname != "/bin/busybox" {
		t.Errorf("bin/sh: %+v", h)
	}
	if h := all["home/user/"]; h == nil || h.Uid != 1000 {
		t.Errorf("home/user: %+v", h)
	}
}
