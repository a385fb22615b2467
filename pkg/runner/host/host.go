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
	// Env is the program's whole environment. Programs are still looked for in the PATH of this
	// process.
	Env []string
	// Dir is the working directory; empty means that of this process.
	Dir string
	// Grace is how long a program that is told to stop has before it is killed.
	Grace time.Duration
}

// outputDelay is how long what a program leaves running may still print.
const outputDelay = time.Second

// Run runs the task's program without a shell and without standard input, in a process group of
// its own, and passes on what it prints line by line. When ctx is cancelled, the group gets
// TERM, and after the grace KILL; and then so do processes that have left the group, which are found by a mark in their
// environment. Where the system cannot find them, and when they cannot be ended, the result says so.
//
// What the program has left running in its group when it ends is ended in the same way, and that is told; its
// output is followed for a second at most. A process that is to live on has to leave the group.
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

// markVariable is the variable that the processes of a task have in their environment, each after those of the tasks that
// the program which runs it was started by.
const markVariable = "KUBECTL_TASKS_PROCESS"

// withMark returns an environment with the mark.
func withMark(env []string, mark string) []string {
	if env == nil {
		env = os.Environ()
	}
	if outer := os.Getenv(markVariable); outer != "" {
		mark = outer + " " + mark
	}
	return append(slices.Clone(env), markVariable+"="+mark)
}

// endStrays ends what has left the program's group, and returns what the message of a task that was stopped says of it.
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

// read returns the texts of those of the files that are there, each up to a byte more than it may
// have.
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

// stop ends the group of the command and returns how the command ended.
func (r Runner) stop(cmd *exec.Cmd, done <-chan error) error {
	terminate(cmd)
	timer := time.NewTimer(r.Grace)
	defer timer.Stop()
	select {
	case err := <-done:
		// The program is gone; children that do not heed TERM are not left behind.
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
		// ErrWaitDelay: the program succeeded, something it left behind holds its output open.
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
