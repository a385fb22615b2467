package host

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/lines"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Runner runs host tasks.
type Runner struct {
	// Env is the complete environment of the program; nil means that of this process. The PATH of this process is
	// searched for the program in either case.
	Env []string
	// Dir is the working directory; empty means that of this process.
	Dir string
	// Grace is the time between TERM and KILL.
	Grace time.Duration
}

// outputDelay limits the wait for output of processes that the program has left running.
const outputDelay = time.Second

// Run runs the task's program without a shell and without standard input, in its own process group, and passes on its
// output line by line. When ctx is cancelled, the group gets TERM, and KILL after the grace; then the processes that have
// left the group get the same. A mark in their environment identifies them. Where the system cannot find or end them, the
// message of the result says so.
//
// Processes that the program leaves running in its group at its exit are ended in the same way, with a note. Their output
// is followed for outputDelay at most. A process that shall keep running must leave the group.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	argv := t.Executor.Argv()
	if len(argv) == 0 || argv[0] == "" {
		return task.Result{State: task.Failed, Reason: "NoProgram", Message: "the name of the program is empty"}
	}
	// The command has no context of its own: stopping a group takes more than killing a process.
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // see stop
	stdout, stderr := lines.NewWriter("", task.Stdout, sink), lines.NewWriter("", task.Stderr, sink)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	mark := rand.Text()
	cmd.Env, cmd.Dir = withMark(r.Env, mark), r.Dir
	cmd.WaitDelay = min(r.Grace, outputDelay)
	ownGroup(cmd)

	if err := cmd.Start(); err != nil {
		return notStarted(argv[0], err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()

	var err error
	cancelled := false
	select {
	case err = <-done:
	case <-ctx.Done():
		cancelled = true
		err = r.stop(cmd, done)
	}
	if !cancelled && sweep(cmd, r.Grace) {
		defer sink(task.Output{Stream: task.Note, Data: []byte("what the program left running was ended\n")})
	}
	message := ""
	if cancelled {
		message = context.Cause(ctx).Error() + r.endStrays(mark, sink)
	}
	stdout.Flush()
	stderr.Flush()
	if cancelled {
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: message}
	}
	result := ended(cmd, err)
	if result.State == task.Succeeded {
		result.Files = r.read(t.Files())
	}
	return result
}

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
		sink(task.Output{Stream: task.Note, Data: []byte("what had left the program's process group was ended\n")})
	}
	return ""
}

// read returns the texts of the files that exist, each up to one byte more than the limit.
func (r Runner) read(paths []string) map[string]string {
	texts := map[string]string{}
	for _, path := range paths {
		full := path
		if !filepath.IsAbs(path) {
			full = filepath.Join(r.Dir, path)
		}
		file, err := os.Open(full)
		if err != nil {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(file, task.MaxOutput+1))
		_ = file.Close()
		if err == nil {
			texts[path] = string(text)
		}
	}
	return texts
}

// stop ends the group of the command, and returns the error of the command.
func (r Runner) stop(cmd *exec.Cmd, done <-chan error) error {
	terminate(cmd)
	timer := time.NewTimer(r.Grace)
	defer timer.Stop()
	select {
	case err := <-done:
		// The program has exited; children that ignore TERM are killed.
		kill(cmd)
		return err
	case <-timer.C:
		kill(cmd)
		return <-done
	}
}

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
		return task.Result{State: task.Failed, Reason: "Signal", ExitCode: &code, Message: "ended by " + exit.String()}
	}
	return task.Result{State: task.Unknown, Reason: "Wait", Message: err.Error()}
}
