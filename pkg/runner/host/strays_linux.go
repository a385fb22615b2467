package host

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// findsStrays reports that this system can find the processes that have left a group.
const findsStrays = true

// stray is a process of a task that has left the task's process group.
type stray struct {
	pid  int
	name string
}

// String returns the process as "4711 (sleep)".
func (s stray) String() string { return fmt.Sprintf("%d (%s)", s.pid, s.name) }

// strays returns the processes with the mark in the environment with which they were started (proc(5), environ). The
// environment of another user's process cannot be read, and a process may be started without one.
func strays(mark string) []stray {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []stray
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() || !marked(pid, mark) {
			continue
		}
		name, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "comm"))
		found = append(found, stray{pid, string(bytes.TrimSpace(name))})
	}
	return found
}

func marked(pid int, mark string) bool {
	environment, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return false
	}
	for variable := range bytes.SplitSeq(environment, []byte{0}) {
		if name, value, _ := bytes.Cut(variable, []byte("=")); string(name) == markVariable && bytes.Contains(value, []byte(mark)) {
			return true
		}
	}
	return false
}

// signal sends a signal to the process if it still has the mark: the system may have reused its PID. os.FindProcess holds
// a file descriptor of the process that it finds (pidfd_open(2)).
func (s stray) signal(mark string, signal os.Signal) {
	process, err := os.FindProcess(s.pid)
	if err != nil {
		return
	}
	defer func() { _ = process.Release() }()
	if marked(s.pid, mark) {
		_ = process.Signal(signal)
	}
}

// endStrays ends the processes with the mark, by TERM and after the grace by KILL. It returns those that it found, and
// those that still run.
func endStrays(mark string, grace time.Duration) (found, left []stray) {
	found = strays(mark)
	if left = found; len(found) == 0 {
		return nil, nil
	}
	for _, s := range found {
		s.signal(mark, syscall.SIGTERM)
	}
	killed := false
	for late := time.After(grace); ; {
		select {
		case <-late:
			if killed {
				return found, left
			}
			killed = true
			late = time.After(outputDelay)
		case <-time.After(alive):
		}
		if left = strays(mark); len(left) == 0 {
			return found, nil
		}
		if killed { // also the processes that those have started since
			for _, s := range left {
				s.signal(mark, syscall.SIGKILL)
			}
		}
	}
}
