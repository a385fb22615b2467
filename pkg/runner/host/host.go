package host

import (
	"context"
	"crypto/rand"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
// is followed for outputDelay at most. To keep running, a process must leave the group.
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
		defer sink(task.Output{Stream: task.Note, Data: []byte("stopped the processes that the program left running\n")})
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
