package exec

import (
	"fmt"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// meaning returns a message for an exit code. Those from 126 have a meaning by convention of the shells.
func meaning(code int) string {
	switch {
	case code == 126:
		return "exit status 126: the program cannot be executed"
	case code == 127:
		return "exit status 127: no such program in the container"
	case code > 128 && code <= 128+64:
		return fmt.Sprintf("exit status %d: terminated by signal %d", code, code-128)
	}
	return fmt.Sprintf("exit status %d", code)
}

// sum returns the task's result from those of its pods. A failure takes precedence; unknown results are then added to the
// message.
func sum(targets []task.Target) task.Result {
	result := task.Result{State: task.Succeeded, Targets: targets}
	by := map[task.State][]string{}
	for _, t := range targets {
		by[t.State] = append(by[t.State], t.Pod+": "+t.Message)
		if t.ExitCode != nil && (result.ExitCode == nil || *result.ExitCode == 0) {
			result.ExitCode = t.ExitCode
		}
	}
	total := len(targets)
	unknown := ""
	if pods := by[task.Unknown]; len(pods) > 0 {
		unknown = "result unknown in " + where(pods, total)
	}
	switch {
	case len(by[task.Failed]) > 0:
		result.State, result.Reason = task.Failed, "ExitCode"
		if result.ExitCode == nil || *result.ExitCode == 0 {
			result.Reason = "NotStarted"
		}
		result.Message = "failed in " + where(by[task.Failed], total)
		if unknown != "" {
			result.Message += "; " + unknown
		}
	case unknown != "":
		result.State, result.Reason, result.Message = task.Unknown, "ConnectionLost", unknown
	case len(by[task.Cancelled])+len(by[task.NotRun]) > 0:
		result.State, result.Reason = task.Cancelled, reasonCancelled
		result.Message = "stopped"
	}
	return result
}

func where(pods []string, total int) string {
	if total == 1 {
		return "pod " + pods[0]
	}
	return fmt.Sprintf("%d of %d pods: %s", len(pods), total, strings.Join(pods, "; "))
}
