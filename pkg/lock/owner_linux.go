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

// machine returns the ID of the running system, which changes with each boot, and the process namespace. It returns "" when
// they are unknown (proc(5), namespaces(7)), or when /proc is that of another namespace, in which process IDs differ.
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

// startTicks returns when a process was started, in the kernel's ticks; "" when there is no such process. It is not known for
// a process of another user that the system hides.
func startTicks(pid int) (ticks string, known bool) {
	return startTicksIn("/proc", pid, func(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
}

// startTicksIn reads field 22 of PROC/PID/stat. Field 2, in parentheses, may contain any character. With the mount option
// hidepid the file of another user's process cannot be read or does not exist (proc(5)), but a signal finds the process.
func startTicksIn(proc string, pid int, exists func(int) bool) (ticks string, known bool) {
	if pid <= 0 { // it comes from a record; a signal would go to several processes
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
