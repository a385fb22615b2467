package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestRunCancelStrays: processes that have left the group of a program are ended when the program is stopped, and keep
// running when it exits by itself.
func TestRunCancelStrays(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"heeds TERM":          `setsid sleep 1000 & echo $! > "$1"; wait`,
		"ignores TERM":        `setsid sh -c 'trap "" TERM; while :; do sleep 1; done' & echo $! > "$1"; wait`,
		"has lost its output": `setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $! > "$1"; wait`,
		"its parent ended":    `setsid -f sh -c 'echo $$ > "$1"; sleep 1000' sh "$1"; sleep 1000`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "pid")
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var out output
			result := make(chan task.Result, 1)
			go func() {
				result <- Runner{Env: os.Environ(), Grace: 200 * time.Millisecond}.Run(ctx, command("sh", "-c", script, "sh", file), out.sink)
			}()
			pid := 0
			eventually(t, "the program tells its pid", func() bool {
				text, _ := os.ReadFile(file)
				pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
				return pid > 0
			})
			eventually(t, "it is a session of its own", func() bool { return session(pid) == pid })
			cancel(errors.New("enough"))
			if got := <-result; got.State != task.Cancelled || got.Message != "enough" {
				t.Errorf("%s %q, want Cancelled", got.State, got.Message)
			}
			if !isEnded(t, pid) {
				t.Errorf("process %d lives on", pid)
			}
			if got := out.text[task.Note]; got != "stopped the processes that had left the program's process group\n" {
				t.Errorf("it says %q", got)
			}
		})
	}
}

// session returns the session of a process (field 6 of /proc/PID/stat).
func session(pid int) int {
	stat, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 4 {
		return 0
	}
	id, _ := strconv.Atoi(fields[3])
	return id
}
