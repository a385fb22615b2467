package plugin

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func TestExitCode(t *testing.T) {
	plain := errors.New("x")
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"none", nil, 0},
		{"any", plain, 1},
		{"usage", usageError{plain}, 3},
		{"definitions", task.Diagnostics{{Severity: task.Error}}, 3},
		{"a definition", task.Position{}.Errorf("x"), 3},
		{"refused", refusedError{"x"}, 4},
		{"preflight", &release.PreflightError{Err: plain}, 4},
		{"a preflight that found a wrong name", usageError{&release.PreflightError{Err: plain}}, 3},
		{"unknown", runError{5, plain}, 5},
		{"own code", runError{42, plain}, 42},
		{"timeout", runError{124, plain}, 124},
		{"interrupt", Interrupted{os.Interrupt}, 130},
		{"terminate", Interrupted{syscall.SIGTERM}, 143},
		{"a run that was interrupted", runError{143, Interrupted{syscall.SIGTERM}}, 143},
		{"silent", silentError{3}, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ExitCode(tt.err); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
			if tt.err == nil {
				return
			}
			if got := ExitCode(fmt.Errorf("wrapped: %w", tt.err)); got != tt.want {
				t.Errorf("wrapped: %d, want %d", got, tt.want)
			}
		})
	}
}
