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

// image is what one is made of in addition to this machine's busybox.
type image struct {
	name string
	// cmd is what it runs when a pod says nothing else.
	cmd []string
	// root is a tar of its file system; empty means one of busybox.
	root string
	// programs are files of this machine that it has, by their paths, and texts are other programs.
	programs, texts map[string]string
	// entrypoint, user and env are as in a Dockerfile; each may be empty.
	entrypoint []string
	user       string
	env        []string
}

// pause is the image of what holds a pod's namespaces. Its shell has a handler for TERM: as process 1
// a plain sleep would ignore it, and each pod's end would take its whole grace period.
var pause = image{name: pauseImage, cmd: []string{"/bin/sh", "-c", `trap "exit 0" TERM INT; while :; do sleep 2147483 & wait; done`}}

// testImages are those that tests use.
func testImages() []image {
	return []image{
		{name: imagePrefix + "busybox:test", cmd: []string{"/bin/sh"}},
		// An image for advanced tasks of Lagoon: it runs the script, in base64, that its payload holds.
		{
			name: imagePrefix + "advanced-task:test", programs: map[string]string{"bin/kubectl": binary("kubernetes")},
			cmd: []string{"/bin/sh", "-c", `export PAYLOAD=$(printf %s "$JSON_PAYLOAD" | base64 -d)
printf %s "$PAYLOAD" | sed 's/.*"script": *"\([^"]*\)".*/\1/' | base64 -d >/tmp/script && exec /bin/sh -eu /tmp/script`},
		},
	}
}

// importImage makes an image of this machine's busybox and hands it to containerd, unless it has
// it. The name is the full one, which the kubelet makes of the short one.
func importImage(i image) error {
	list, err := ctr("images", "list", "-q", "name=="+i.name)
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(list)) == i.name {
		return nil
	}
	archive, err := imageArchive(i)
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

// imageArchive returns a docker-archive: the layers, the configuration, and a manifest that names
// them.
func imageArchive(i image) ([]byte, error) {
	layer, err := rootLayer(i.root)
	if err != nil {
		return nil, err
	}
	layers := [][]byte{layer}
	if len(i.programs)+len(i.texts) > 0 {
		if layer, err = programsLayer(i.programs, i.texts); err != nil {
			return nil, err
		}
		layers = append(layers, layer)
	}
	digest := func(b []byte) string {
		sum := sha256.Sum256(b)
		return hex.EncodeToString(sum[:])
	}
	type file struct {
		name string
		text []byte
	}
	var files []file
	var ids, names []string
	for n, layer := range layers {
		names = append(names, fmt.Sprintf("layer%d.tar", n))
		ids = append(ids, "sha256:"+digest(layer))
		files = append(files, file{names[n], layer})
	}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{
			"Cmd": i.cmd, "Entrypoint": i.entrypoint, "User": i.user,
			"Env": append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, i.env...),
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": ids},
	})
	if err != nil {
		return nil, err
	}
	configName := digest(config) + ".json"
	manifest, err := json.Marshal([]map[string]any{{"Config": configName, "RepoTags": []string{i.name}, "Layers": names}})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range append(files, file{configName, config}, file{"manifest.json", manifest}) {
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

// rootLayer returns the file system of an image.
func rootLayer(path string) ([]byte, error) {
	if path == "" {
		return busyboxLayer()
	}
	return os.ReadFile(path)
}

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

// programsLayer returns a layer with programs of this machine.
func programsLayer(programs, texts map[string]string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, source := range programs {
		text, err := os.ReadFile(source)
		if err != nil {
			return nil, err
		}
		if err := add(w, tar.Header{Name: name, Mode: 0o755}, text); err != nil {
			return nil, err
		}
	}
	for name, text := range texts {
		if err := add(w, tar.Header{Name: name, Mode: 0o755}, []byte(text)); err != nil {
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
