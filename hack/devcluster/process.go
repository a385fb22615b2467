package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// keyVariable marks the servers' environment with the key they were started with.
const keyVariable = "DEVCLUSTER_KEY"

// process is a running process of the cluster.
type process struct {
	pid int
	key string
}

// running returns the processes of a component. They are recognised by their command line, which
// names the component first and the state directory somewhere: a recorded pid could be lost when
// we are killed, or be another process later.
func running(component string) []process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil || !bytes.Contains(line, []byte(stateDir)) {
			continue
		}
		name, _, _ := strings.Cut(string(line), "\x00")
		if filepath.Base(name) == component {
			found = append(found, process{pid, keyOf(pid)})
		}
	}
	return found
}

func keyOf(pid int) string {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return ""
	}
	for entry := range strings.SplitSeq(string(env), "\x00") {
		if value, ok := strings.CutPrefix(entry, keyVariable+"="); ok {
			return value
		}
	}
	return ""
}

// outdated reports whether a server runs that was started with another key.
func outdated() bool {
	for _, c := range components {
		for _, p := range running(c.name) {
			if p.key != key() {
				return true
			}
		}
	}
	return false
}

// startServer starts a component unless it runs, and reports whether it did. The server has a
// session of its own and its output goes to a file, so that it outlives this process.
func startServer(name string) (bool, error) {
	if len(running(name)) > 0 {
		return false, nil
	}
	c, err := componentByName(name)
	if err != nil {
		return false, err
	}
	log, err := os.OpenFile(logFile(name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return false, err
	}
	defer log.Close()
	cmd := exec.Command(binary(c.binary))
	cmd.Args = append([]string{name}, c.args()...)
	cmd.Env = append(os.Environ(), keyVariable+"="+key(), "PATH="+cacheDir()+":/usr/sbin:/usr/bin:/sbin:/bin")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = stateDir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return false, fmt.Errorf("starting %s: %w", name, err)
	}
	// Reap it should it end while we wait for it; it would look alive otherwise.
	go func() { _ = cmd.Wait() }()
	return true, nil
}

// stopServer ends a component: TERM, and KILL after the grace, because the API server waits for
// its clients' connections and no client needs it to.
func stopServer(name string, grace time.Duration) error {
	signal := func(s syscall.Signal) (left int) {
		for _, p := range running(name) {
			if err := syscall.Kill(p.pid, s); !errors.Is(err, syscall.ESRCH) {
				left++
			}
		}
		return left
	}
	signal(syscall.SIGTERM)
	if gone(grace, func() bool { return len(running(name)) == 0 }) {
		return nil
	}
	signal(syscall.SIGKILL)
	if gone(10*time.Second, func() bool { return len(running(name)) == 0 }) {
		return nil
	}
	return fmt.Errorf("%s does not end", name)
}

// killServer ends a component with KILL, as an accident would; up starts it again.
func killServer(name string) error {
	if _, err := componentByName(name); err != nil {
		return err
	}
	return stopServer(name, 0)
}

// freezeServer has a component do nothing for as long as a duration such as 3s.
func freezeServer(name, duration string) error {
	if _, err := componentByName(name); err != nil {
		return err
	}
	limit, err := time.ParseDuration(duration)
	if err != nil {
		return err
	}
	for _, p := range running(name) {
		if err := syscall.Kill(p.pid, syscall.SIGSTOP); err != nil {
			return err
		}
		defer syscall.Kill(p.pid, syscall.SIGCONT) //nolint:errcheck // it may have been killed meanwhile
	}
	time.Sleep(limit)
	return nil
}

// gone polls until the condition holds; false when it did not within the limit.
func gone(limit time.Duration, condition func() bool) bool {
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if condition() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}
