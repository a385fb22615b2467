package host

import (
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// ownGroup keeps the console's Ctrl-C from the command: it is stopped by us.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// terminate asks nothing: console programs of Windows cannot be asked. The tree is ended at once.
func terminate(cmd *exec.Cmd) { kill(cmd) }

func kill(cmd *exec.Cmd) {
	if exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run() != nil { //nolint:noctx // must not be cancelled
		_ = cmd.Process.Kill()
	}
}

// sweep does nothing: of a program that has ended, Windows does not know the children.
func sweep(*exec.Cmd, time.Duration) bool { return false }

func signalCode(cmd *exec.Cmd) int { return cmd.ProcessState.ExitCode() }
