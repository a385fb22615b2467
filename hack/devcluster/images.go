package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"runtime"
	"strings"
)

// commands are what the images run when a pod says nothing else. The pause image's shell has a
// handler for TERM: as process 1 a plain sleep would ignore it, and each pod's end would take
// its whole grace period.
var commands = map[string][]string{
	pauseImage:                   {"/bin/sh", "-c", `trap "exit 0" TERM INT; while :; do sleep 2147483 & wait; done`},
	imagePrefix + "busybox:test": {"/bin/sh"},
}

// importImage makes an image of this machine's busybox and hands it to containerd, unless it has
// it. The name is the full one, which the kubelet makes of the short one.
func importImage(name string) error {
	list, err := ctr("images", "list", "-q", "name=="+name)
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(list)) == name {
		return nil
	}
	archive, err := imageArchive(name, commands[name])
	if err != nil {
		return err
	}
	file := state("image.tar")
	if err := os.WriteFile(file, archive, 0o600); err != nil {
		return err
	}
	defer os.Remove(file)
	_, err = ctr("images", "import", file)
	return err
}

func ctr(args ...string) ([]byte, error) {
	// The namespace is the one the kubelet's interface sees.
	cmd := exec.Command(binary("ctr"), append([]string{"-a", containerdSocket(), "-n", "k8s.io"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("ctr %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return out, nil
}

// imageArchive returns a docker-archive: the layer, the configuration, and a manifest that names
// both.
func imageArchive(name string, cmd []string) ([]byte, error) {
	layer, err := busyboxLayer()
	if err != nil {
		return nil, err
	}
	digest := func(b []byte) string {
		sum := sha256.Sum256(b)
		return hex.EncodeToString(sum[:])
	}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Cmd": cmd, "Env": []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + digest(layer)}},
	})
	if err != nil {
		return nil, err
	}
	configName := digest(config) + ".json"
	manifest, err := json.Marshal([]map[string]any{{"Config": configName, "RepoTags": []string{name}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct {
		name string
		text []byte
	}{{configName, config}, {"layer.tar", layer}, {"manifest.json", manifest}} {
		if err := add(w, tar.Header{Name: f.name, Mode: 0o644}, f.text); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}

const (
	passwd = "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
	groups = "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n"
)

// busyboxLayer returns a root file system: busybox, a link for each of its programs, three users,
// and the directories that programs expect.
func busyboxLayer() ([]byte, error) {
	const source = "/bin/busybox"
	program, err := os.ReadFile(source)
	if err != nil {
		return nil, err
	}
	list, err := exec.Command(source, "--list-full").Output()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, d := range []struct {
		name  string
		mode  int64
		owner int
	}{
		{"bin/", 0o755, 0},
		{"sbin/", 0o755, 0},
		{"usr/", 0o755, 0},
		{"usr/bin/", 0o755, 0},
		{"usr/sbin/", 0o755, 0},
		{"etc/", 0o755, 0},
		{"root/", 0o700, 0},
		{"home/", 0o755, 0},
		{"home/user/", 0o755, 1000},
		{"var/", 0o755, 0},
		{"proc/", 0o755, 0},
		{"dev/", 0o755, 0},
		{"tmp/", 0o1777, 0},
	} {
		if err := add(w, tar.Header{Typeflag: tar.TypeDir, Name: d.name, Mode: d.mode, Uid: d.owner, Gid: d.owner}, nil); err != nil {
			return nil, err
		}
	}
	for _, f := range []struct {
		name string
		mode int64
		text []byte
	}{{"bin/busybox", 0o755, program}, {"etc/passwd", 0o644, []byte(passwd)}, {"etc/group", 0o644, []byte(groups)}} {
		if err := add(w, tar.Header{Name: f.name, Mode: f.mode}, f.text); err != nil {
			return nil, err
		}
	}
	for link := range strings.FieldsSeq(string(list)) {
		if path.Base(link) == "busybox" || !fs.ValidPath(link) {
			continue
		}
		if err := add(w, tar.Header{Typeflag: tar.TypeSymlink, Name: link, Linkname: "/bin/busybox", Mode: 0o777}, nil); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}

func add(w *tar.Writer, h tar.Header, text []byte) error {
	h.Size = int64(len(text))
	if err := w.WriteHeader(&h); err != nil {
		return err
	}
	_, err := w.Write(text)
	return err
}
