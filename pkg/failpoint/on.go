//go:build e2e

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
)

// Environment variables that control Point.
const (
	// At is the number of the call of Point, from 1, at which the process kills itself.
	At = "KUBECTL_TASKS_CRASH_AT"
	// Log is a file to which each call of Point appends its name.
	Log = "KUBECTL_TASKS_CRASH_LOG"
)

var (
	mu    sync.Mutex
	calls int
)

// Point kills the process with SIGKILL, so that no cleanup runs, when At has the number of this call.
func Point(name string) {
	at, log := os.Getenv(At), os.Getenv(Log)
	if at == "" && log == "" {
		return
	}
	mu.Lock()
	defer mu.Unlock()
	calls++
	if log != "" {
		file, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			fmt.Fprintln(file, name)
			_ = file.Close()
		}
	}
	if n, err := strconv.Atoi(at); err == nil && n == calls {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}
