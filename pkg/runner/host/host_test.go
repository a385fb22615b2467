//go:build unix

package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func command(argv ...string) task.Task {
	return task.Task{Executor: task.Host{Command: task.Command{Argv: argv}}}
}

// output collects what a task prints, by stream.
type output struct {
	mu   sync.Mutex
	text map[task.Stream]string
}

func (o *output) sink(piece task.Output) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text == nil {
		o.text = map[task.Stream]string{}
	}
	o.text[piece.Stream] += string(piece.Data)
}

func TestRun(t *testing.T) {
	code := func(n int) *int { return &n }
	tests := []struct {
		name    string
		argv    []string
		state   task.State
		code    *int
		message string
		stdout  string
		stderr  string
	}{
		{name: "success", argv: []string{"echo", "a b"}, state: task.Succeeded, code: code(0), stdout: "a b\n"},
		{name: "no shell", argv: []string{"echo", "$HOME", "|", "cat"}, state: task.Succeeded, code: code(0), stdout: "$HOME | cat\n"},
		{name: "both streams, no final newline", argv: []string{"sh", "-c", "printf out; printf err >&2"}, state: task.Succeeded, code: code(0), stdout: "out", stderr: "err"},
		{name: "exit code", argv: []string{"sh", "-c", "exit 3"}, state: task.Failed, code: code(3), message: "exit status 3"},
		{name: "signal", argv: []string{"sh", "-c", "kill -9 $$"}, state: task.Failed, code: code(137), message: "terminated by signal: killed"},
		{name: "not found", argv: []string{"no-such-program"}, state: task.Failed, message: `program "no-such-program" not found in PATH`},
		{name: "no such file", argv: []string{"./no-such-file"}, state: task.Failed, message: `program "./no-such-file" not found`},
		{name: "empty name", argv: []string{"", "x"}, state: task.Failed, message: "the name of the program is empty"},
		{name: "standard input is empty", argv: []string{"cat"}, state: task.Succeeded, code: code(0)},
		{name: "environment", argv: []string{"sh", "-c", "echo $ONLY$HOME"}, state: task.Succeeded, code: code(0), stdout: "this\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out output
			got := Runner{Env: []string{"ONLY=this"}, Grace: 5 * time.Second}.Run(t.Context(), command(tt.argv...), out.sink)
			if got.State != tt.state || got.Message != tt.message {
				t.Errorf("%s %q, want %s %q", got.State, got.Message, tt.state, tt.message)
			}
			switch {
			case (got.ExitCode == nil) != (tt.code == nil):
				t.Errorf("exit code %v, want %v", got.ExitCode, tt.code)
			case tt.code != nil && *got.ExitCode != *tt.code:
				t.Errorf("exit code %d, want %d", *got.ExitCode, *tt.code)
			}
			if out.text[task.Stdout] != tt.stdout || out.text[task.Stderr] != tt.stderr {
				t.Errorf("printed %q, want %q and %q", out.text, tt.stdout, tt.stderr)
			}
		})
	}
}

// eventually fails the test when the condition does not hold within a generous time.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// TestRunCancel: TERM reaches the whole group; processes that ignore it are killed after the grace, including
// grandchildren.
func TestRunCancel(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"heeds TERM":         `sleep 1000 & echo $$ $! > "$1"; wait`,
		"ignores TERM":       `trap "" TERM; sleep 1000 & echo $$ $! > "$1"; while :; do wait; done`,
		"leaves a child":     `(trap "" TERM; while :; do sleep 1; done) & echo $$ $! > "$1"; wait`,
		"child holds a pipe": `(trap "" TERM; sleep 1000) & echo $$ $! > "$1"; wait`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pids := filepath.Join(t.TempDir(), "pids")
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var out output
			result := make(chan task.Result, 1)
			go func() {
				result <- Runner{Env: os.Environ(), Grace: 200 * time.Millisecond}.Run(ctx, command("sh", "-c", script, "sh", pids), out.sink)
			}()
			var fields []string
			eventually(t, "the program tells its pids", func() bool {
				text, _ := os.ReadFile(pids)
				fields = strings.Fields(string(text))
				return len(fields) == 2
			})
			cancel(errors.New("enough"))
			if got := <-result; got.State != task.Cancelled || !strings.HasPrefix(got.Message, "enough") {
				t.Errorf("%s %q, want Cancelled", got.State, got.Message)
			}
			for _, f := range fields {
				pid, err := strconv.Atoi(f)
				if err != nil {
					t.Fatal(err)
				}
				eventually(t, "process "+f+" has exited", func() bool { return isEnded(t, pid) })
			}
		})
	}
}

// isEnded reports whether a process has exited, including one that its parent has not waited for.
func isEnded(t *testing.T, pid int) bool {
	t.Helper()
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// TestRunBackground: processes that a program leaves in the background neither fail nor delay it, and are ended.
func TestRunBackground(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"holds the output": `sleep 1000 & echo $! > "$1"; echo done`,
		"holds nothing":    `sleep 1000 >/dev/null 2>&1 & echo $! > "$1"; echo done`,
		"ignores TERM":     `(trap "" TERM; exec sleep 1000) & echo $! > "$1"; echo done`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pids := filepath.Join(t.TempDir(), "pids")
			var out output
			got := Runner{Env: os.Environ(), Grace: 200 * time.Millisecond}.Run(t.Context(), command("sh", "-c", script, "sh", pids), out.sink)
			if got.State != task.Succeeded || out.text[task.Stdout] != "done\n" || out.text[task.Note] != "stopped the processes that the program left running\n" {
				t.Errorf("%+v, printed %q", got, out.text)
			}
			text, err := os.ReadFile(pids)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "process "+string(text)+" has exited", func() bool { return isEnded(t, pid) })
		})
	}
}
