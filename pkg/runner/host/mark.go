package host

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// markVariable is the variable with the mark in the environment of a task's processes. When a task runs this program, the
// marks of its own tasks follow the task's.
const markVariable = "KUBECTL_TASKS_PROCESS"

// withMark returns an environment with the mark after those that it already has.
func withMark(env []string, mark string) []string {
	if env == nil {
		env = os.Environ()
	}
	for _, entry := range slices.Backward(env) {
		if outer, ok := strings.CutPrefix(entry, markVariable+"="); ok && outer != "" {
			mark = outer + " " + mark
			break
		}
	}
	return append(slices.Clone(env), markVariable+"="+mark)
}

// endStrays ends the processes that have left the program's group, and returns the part of the result's message about them.
func (r Runner) endStrays(mark string, sink task.Sink) string {
	if !findsStrays {
		return "; a process that has left the program's group may still run"
	}
	found, left := endStrays(mark, r.Grace)
	if len(left) > 0 {
		names := make([]string, len(left))
		for i, s := range left {
			names[i] = fmt.Sprint(s)
		}
		return "; still running: process " + strings.Join(names, ", ")
	}
	if len(found) > 0 {
		sink(task.Output{Stream: task.Note, Data: []byte("stopped the processes that had left the program's process group\n")})
	}
	return ""
}
