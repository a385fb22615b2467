//go:build unix

package host

import (
	"os/exec"
	"syscall"
	"time"
)

// ownGroup gives the command its own process group, so that it can be stopped with all its children, and does not get the
// signals of the terminal directly.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func terminate(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

func kill(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// alive is the pause between two checks whether the group has exited, for which there is no event.
const alive = 20 * time.Millisecond

// sweep ends the rest of the group after the command has exited, by TERM and after the grace by KILL, and reports whether
// there was any process left.
func sweep(cmd *exec.Cmd, grace time.Duration) bool {
	group := -cmd.Process.Pid
	if syscall.Kill(group, syscall.SIGTERM) != nil {
		return false
	}
	for late := time.After(grace); ; {
		select {
		case <-late:
			kill(cmd)
			return true
		case <-time.After(alive):
		}
		if syscall.Kill(group, 0) != nil {
			return true
		}
	}
}

// signalCode returns the exit code that a shell reports for a program that a signal ended.
func signalCode(cmd *exec.Cmd) int {
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return cmd.ProcessState.ExitCode()
}
