package record

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// machine tells the running system, which has a new identifier after each start, and the process
// namespace; "" when it does not say (proc(5), namespaces(7)).
func machine() string {
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

// born tells when a process was started, in the kernel's ticks; "" when there is none (field 22 of
// /proc/PID/stat, of which the second, in parentheses, may hold anything).
func born(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const state, start = 0, 19
	if len(fields) <= start || string(fields[state]) == "Z" || string(fields[state]) == "X" {
		return ""
	}
	return string(fields[start])
}
