package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

const (
	denoVersion   = "2.0.6"
	debianVersion = "bookworm"
	debianSource  = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian " + debianVersion + " main\n"
	// runnersVersion changes with what is in the file system of the runner images.
	runnersVersion = "2"
)

// runnerPackages are what the file system of the runner images is made of.
const runnerPackages = "python3,python3-requests,python3-yaml,python3-git,git,curl,ca-certificates,dash,coreutils"

// The entry points are those of Keptn's runners.
const (
	denoEntrypoint = `#!/bin/sh
set -eu
exec deno run --allow-net --allow-write --allow-read --allow-env=DATA,SECURE_DATA,KEPTN_CONTEXT "$SCRIPT"
`
	pythonEntrypoint = `#!/bin/sh
case $SCRIPT in
http://* | https://* | ftp://* | file://*) curl -s $SCRIPT | python3 $CMD_ARGS - ;;
*) exec python3 $CMD_ARGS $SCRIPT ;;
esac
`
)

// prometheusConfiguration has the server look at itself.
const prometheusConfiguration = `global: {scrape_interval: 1s}
scrape_configs: [{job_name: self, static_configs: [{targets: ["127.0.0.1:9090"]}]}]
`

// runnerImages are those that run Keptn's scripts: a Debian with Python, and the same with Deno; and one
// with a Prometheus. They are made when they are asked for, for they take a minute.
func runnerImages() ([]image, error) {
	root, deno := filepath.Join(runnersDir(), "root.tar"), filepath.Join(runnersDir(), "deno")
	if _, err := os.Stat(runnersDir()); err != nil {
		if err := makeRunners(); err != nil {
			return nil, err
		}
	}
	entrypoint := []string{"/entrypoint.sh"}
	return []image{
		{name: imagePrefix + "python:test", root: root, user: "1000", entrypoint: entrypoint, texts: map[string]string{"entrypoint.sh": pythonEntrypoint}},
		{
			name: imagePrefix + "deno:test", root: root, user: "1000", entrypoint: entrypoint, texts: map[string]string{"entrypoint.sh": denoEntrypoint},
			programs: map[string]string{"usr/bin/deno": deno}, env: []string{"DENO_DIR=/tmp/deno", "HOME=/tmp", "NO_COLOR=1"},
		},
		{
			name: imagePrefix + "prometheus:test", root: root, user: "1000",
			entrypoint: []string{"/usr/bin/prometheus", "--config.file=/etc/prometheus.yml", "--storage.tsdb.path=/tmp/data"},
			programs:   map[string]string{"usr/bin/prometheus": filepath.Join(runnersDir(), "prometheus", "usr", "bin", "prometheus")},
			texts:      map[string]string{"etc/prometheus.yml": prometheusConfiguration},
		},
	}, nil
}

func runnersDir() string {
	return filepath.Join(filepath.Dir(cacheDir()), "runners-"+debianVersion+"-deno"+denoVersion+"-"+runnersVersion)
}

// makeRunners makes what the runner images are made of, next to its place, and moves it there when all
// is done.
func makeRunners() error {
	if err := installMissing([]debianPackage{{"mmdebstrap", "/usr/bin/mmdebstrap"}, {"npm", "/usr/bin/npm"}}); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(runnersDir()), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(runnersDir()), "building-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	list := filepath.Join(work, "debian.list")
	if err := os.WriteFile(list, []byte(debianSource), 0o600); err != nil {
		return err
	}
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	if arch == "" {
		return fmt.Errorf("there is no Deno for %s", runtime.GOARCH)
	}
	say("making the file system of the runner images")
	for _, step := range [][]string{
		{"mmdebstrap", "--variant=extract", "--include=" + runnerPackages, debianVersion, filepath.Join(work, "root.tar"), list},
		{"npm", "pack", "--silent", "--pack-destination", work, "@deno/linux-" + arch + "-glibc@" + denoVersion},
		{"tar", "-xzf", filepath.Join(work, "deno-linux-"+arch+"-glibc-"+denoVersion+".tgz"), "-C", work, "--strip-components=1", "package/deno"},
		{"sh", "-c", "apt-get -q download prometheus && dpkg-deb -x prometheus_*.deb prometheus"},
	} {
		cmd := exec.Command(step[0], step[1:]...)
		cmd.Dir = work
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", step[0], err, out)
		}
	}
	return os.Rename(work, runnersDir())
}

// importRunners hands the runner images to containerd.
func importRunners() error {
	images, err := runnerImages()
	if err != nil {
		return err
	}
	for _, i := range images {
		if err := importImage(i); err != nil {
			return err
		}
		say("image %s", i.name)
	}
	return nil
}
