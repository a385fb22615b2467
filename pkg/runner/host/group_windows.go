package host

import (
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// ownGroup gives the command its own process group, so that it does not get the console's Ctrl-C directly.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// terminate kills the process tree: Windows has no TERM for console programs.
func terminate(cmd *exec.Cmd) { kill(cmd) }

func kill(cmd *exec.Cmd) {
	if exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run() != nil { //nolint:noctx // must not be cancelled
		_ = cmd.Process.Kill()
	}
}

// sweep does nothing: Windows does not report the children of a program that has exited.
func sweep(*exec.Cmd, time.Duration) bool { return false }

func signalCode(cmd *exec.Cmd) int { return cmd.ProcessState.ExitCode() }
