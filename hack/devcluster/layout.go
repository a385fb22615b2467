package main

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"os"
	"path/filepath"
)

// The versions of what is built, and the addresses of what runs. There is one cluster a machine:
// ports, bridge and state are fixed.
const (
	kubernetesVersion = "v1.36.3"
	containerdVersion = "v2.4.2"

	stateDir = "/var/lib/kubectl-tasks-devcluster"

	bridge      = "dcbr0"
	podRange    = "10.244.0.0/16"
	gateway     = "10.244.0.1"
	serviceIPs  = "10.96.0.0/16"
	apiIP       = "10.96.0.1"
	apiAddress  = "127.0.0.1:6443"
	apiURL      = "https://" + apiAddress
	nodeName    = "localhost"
	pauseImage  = imagePrefix + "pause:test"
	imagePrefix = "docker.io/library/"
)

// What the binaries are made from, in addition to the versions above.
var (
	//go:embed go.mod
	goMod []byte
	//go:embed go.sum
	goSum []byte
	//go:embed kubernetes/main.go
	kubernetesMain []byte
)

// key identifies the binaries: another key, another cache entry, and a running cluster of
// another key is started again.
func key() string {
	h := sha256.New()
	for _, part := range [][]byte{goMod, goSum, kubernetesMain, []byte(containerdVersion)} {
		h.Write(part)
	}
	return kubernetesVersion + "-" + hex.EncodeToString(h.Sum(nil))[:12]
}

// state returns a path below the directory of everything that the running cluster keeps.
func state(parts ...string) string {
	return filepath.Join(append([]string{stateDir}, parts...)...)
}

// cacheDir returns the directory of the binaries. It is outside any checkout, because they take
// minutes to build.
func cacheDir() string {
	base := os.Getenv("KUBECTL_TASKS_CACHE")
	if base == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			cache = "/var/cache"
		}
		base = filepath.Join(cache, "kubectl-tasks")
	}
	return filepath.Join(base, "devcluster", key())
}

// binary returns the path of one of the binaries.
func binary(name string) string { return filepath.Join(cacheDir(), name) }
