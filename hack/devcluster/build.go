package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// build makes the binaries unless they are in the cache. They are built elsewhere and moved
// there when all are done, so that a build that was killed leaves nothing that looks finished.
func build() error {
	if _, err := os.Stat(cacheDir()); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(cacheDir()), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(cacheDir()), "building-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}

	say("building containerd %s", containerdVersion)
	const containerd = "github.com/containerd/containerd/v2/cmd/"
	install := []string{"install", "-trimpath", "-ldflags", "-s -w"}
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr"} {
		install = append(install, containerd+name+"@"+containerdVersion)
	}
	// Outside this module: its requirements are not containerd's.
	if err := goTool("/", []string{"GOBIN=" + work, "GOWORK=off", "GOFLAGS="}, install...); err != nil {
		return err
	}
	say("building Kubernetes %s (some minutes, once)", kubernetesVersion)
	if err := goTool(".", nil, "build", "-trimpath", "-ldflags", versionFlags(), "-o", filepath.Join(work, "kubernetes"), "./kubernetes"); err != nil {
		return err
	}
	return os.Rename(work, cacheDir())
}

// versionFlags makes the programs tell their version; without them they are v0.0.0-master, which
// clients that compare versions refuse.
func versionFlags() string {
	major, rest, _ := strings.Cut(strings.TrimPrefix(kubernetesVersion, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	flags := []string{"-s", "-w"}
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags = append(flags,
			"-X", pkg+".gitVersion="+kubernetesVersion,
			"-X", pkg+".gitMajor="+major,
			"-X", pkg+".gitMinor="+minor,
		)
	}
	return strings.Join(flags, " ")
}

func goTool(dir string, env []string, args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", args[0], err, out)
	}
	return nil
}
