package approve

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func TestRun(t *testing.T) {
	tests := []struct {
		name   string
		runner Runner
		answer string
		want   task.State
		says   string
		asks   bool
	}{
		{"yes", Runner{Interactive: true}, "Yes\n", task.Succeeded, "", true},
		{"y", Runner{Interactive: true}, "y", task.Succeeded, "", true},
		{"no", Runner{Interactive: true}, "no\n", task.Failed, "not approved", true},
		{"nothing", Runner{Interactive: true}, "\n", task.Failed, "not approved", true},
		{"beforehand", Runner{Yes: true}, "", task.Succeeded, "", false},
		{"nobody there", Runner{}, "", task.Failed, `"go on?" needs the yes of a person, and there is no terminal to ask at; approve beforehand with --yes`, false},
		{"no answer in time", Runner{Interactive: true}, "never", task.Cancelled, "timed out", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("timed out"))
				defer cancel()
				var asked bytes.Buffer
				tt.runner.Ask = &asked
				tt.runner.Answer = func() (string, error) {
					if tt.answer == "never" {
						<-ctx.Done()
					}
					return tt.answer, nil
				}
				got := tt.runner.Run(ctx, task.Task{Executor: task.Approve{Message: "go on?"}}, func(task.Output) {})
				if got.State != tt.want || got.Message != tt.says {
					t.Errorf("%s %q, want %s %q", got.State, got.Message, tt.want, tt.says)
				}
				if want := map[bool]string{true: "go on? [y/N] "}[tt.asks]; asked.String() != want {
					t.Errorf("asks %q, want %q", &asked, want)
				}
			})
		})
	}
}
