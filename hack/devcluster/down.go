package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// fixedDirs are directories that the kubelet, containerd and the CNI library write to whatever
// they are told.
var fixedDirs = []string{"/var/lib/kubelet", "/var/lib/cni", "/var/log/containers", "/run/containerd"}

// down ends everything that up started and removes everything that it left, in whatever state it
// is: containers are ended through their cgroups, which also works when containerd is dead.
func down() error {
	if err := stopServer("kubelet", 3*time.Second); err != nil {
		return err
	}
	failed := []error{killPods()}
	failed = append(failed, stopServer("containerd-shim-runc-v2", 100*time.Millisecond))
	for i := len(components) - 1; i >= 0; i-- {
		failed = append(failed, stopServer(components[i].name, time.Second))
	}
	failed = append(failed, removeCgroups(), unmountAll(), tearDownNetwork())
	for _, dir := range append([]string{stateDir}, fixedDirs...) {
		failed = append(failed, os.RemoveAll(dir))
	}
	if err := errors.Join(failed...); err != nil {
		return err
	}
	say("cluster down")
	return nil
}

// podCgroups returns the top cgroups of the pods: one under cgroup v2, one for each hierarchy
// under v1.
func podCgroups() []string {
	var found []string
	for _, pattern := range []string{"/sys/fs/cgroup/kubepods", "/sys/fs/cgroup/*/kubepods"} {
		matches, _ := filepath.Glob(pattern)
		found = append(found, matches...)
	}
	return found
}

// killPods kills every process in the cgroups of pods until none is left.
func killPods() error {
	if !gone(20*time.Second, func() bool { return kill(podCgroups()) == 0 }) {
		return errors.New("processes of pods do not end")
	}
	return nil
}

// kill kills the processes in the cgroups and those below, and returns how many there were.
func kill(cgroups []string) int {
	killed := 0
	for _, top := range cgroups {
		_ = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return nil
			}
			text, err := os.ReadFile(filepath.Join(path, "cgroup.procs"))
			if err != nil {
				return nil
			}
			for field := range strings.FieldsSeq(string(text)) {
				if pid, err := strconv.Atoi(field); err == nil && syscall.Kill(pid, syscall.SIGKILL) == nil {
					killed++
				}
			}
			return nil
		})
	}
	return killed
}

// removeCgroups removes the cgroups of the pods, the innermost first.
func removeCgroups() error {
	for _, top := range podCgroups() {
		var dirs []string
		_ = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		slices.Reverse(dirs)
		for _, d := range dirs {
			if !gone(5*time.Second, func() bool {
				err := syscall.Rmdir(d)
				return err == nil || errors.Is(err, syscall.ENOENT)
			}) {
				return fmt.Errorf("cgroup %s cannot be removed", d)
			}
		}
	}
	return nil
}

// unmountAll unmounts everything below the directories of the cluster, the last mounted first.
func unmountAll() error {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	var points []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		for _, dir := range append([]string{stateDir}, fixedDirs...) {
			if strings.HasPrefix(fields[4], dir+"/") {
				points = append(points, fields[4])
			}
		}
	}
	slices.Reverse(points)
	for _, p := range points {
		if err := unmount(p); err != nil && !errors.Is(err, syscall.EINVAL) {
			return fmt.Errorf("unmount %s: %w", p, err)
		}
	}
	return nil
}
