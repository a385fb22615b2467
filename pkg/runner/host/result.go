package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func notStarted(program string, err error) task.Result {
	message := err.Error()
	if errors.Is(err, exec.ErrNotFound) {
		message = fmt.Sprintf("program %q not found in PATH", program)
	} else if errors.Is(err, fs.ErrNotExist) {
		message = fmt.Sprintf("program %q not found", program)
	}
	return task.Result{State: task.Failed, Reason: "NotStarted", Message: message}
}

func ended(cmd *exec.Cmd, err error) task.Result {
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		// ErrWaitDelay: the program succeeded, and a process that it left running has its output open.
		code := 0
		return task.Result{State: task.Succeeded, ExitCode: &code}
	case errors.As(err, &exit) && exit.Exited():
		code := exit.ExitCode()
		return task.Result{State: task.Failed, Reason: "ExitCode", ExitCode: &code, Message: fmt.Sprintf("exit status %d", code)}
	case errors.As(err, &exit):
		code := signalCode(cmd)
		return task.Result{State: task.Failed, Reason: "Signal", ExitCode: &code, Message: "terminated by " + exit.String()}
	}
	return task.Result{State: task.Unknown, Reason: "Wait", Message: err.Error()}
}
