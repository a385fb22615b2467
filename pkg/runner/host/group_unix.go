//go:build unix

package host

import (
	"os/exec"
	"syscall"
	"time"
)

// ownGroup gives the command a process group, so that it can be stopped with all its children,
// and so that a signal of the terminal reaches it only through us.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func terminate(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

func kill(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// alive is how often the group is looked for until it has ended; nobody tells of that.
const alive = 20 * time.Millisecond

// sweep ends what is left of the group when the command itself has ended, by TERM and after the grace by
// KILL, and reports whether there was anything.
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

// signalCode is the exit code that a shell gives to a program that a signal ended.
func signalCode(cmd *exec.Cmd) int {
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return cmd.ProcessState.ExitCode()
}
