package lock

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// machine tells the running system, which has a new identifier after each start, and the process
// namespace; "" when it does not say (proc(5), namespaces(7)), or when /proc is that of another namespace, in which
// the numbers of processes mean others.
func machine() string {
	if self, err := os.Readlink("/proc/self"); err != nil || self != strconv.Itoa(os.Getpid()) {
		return ""
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + namespace
}

// startTicks tells when a process was started, in the kernel's ticks; "" when there is none. It is not known of a process
// of another user that the system hides.
func startTicks(pid int) (ticks string, known bool) {
	return startTicksIn("/proc", pid, func(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
}

// startTicksIn reads field 22 of PROC/PID/stat, of which the second, in parentheses, may hold anything. With the mount option
// hidepid that cannot be read, or is not there, of processes of others (proc(5)); but a signal finds them.
func startTicksIn(proc string, pid int, exists func(int) bool) (ticks string, known bool) {
	if pid <= 0 { // it comes from a record; a signal would be for several processes
		return "", false
	}
	stat, err := os.ReadFile(filepath.Join(proc, fmt.Sprint(pid), "stat")) //nolint:gosec // the path is made from a number
	if err != nil {
		return "", !exists(pid)
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const state, start = 0, 19
	if len(fields) <= start || string(fields[state]) == "Z" || string(fields[state]) == "X" {
		return "", true
	}
	return string(fields[start]), true
}
