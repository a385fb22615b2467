package approve

import (
	"context"
	"errors"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func TestRun(t *testing.T) {
	late := errors.New("timed out")
	tests := []struct {
		name   string
		runner Runner
		yes    bool
		err    error
		want   task.State
		says   string
		asks   string
	}{
		{"yes", Runner{Interactive: true}, true, nil, task.Succeeded, "", "go on?"},
		{"no", Runner{Interactive: true}, false, nil, task.Failed, "not approved", "go on?"},
		{"beforehand", Runner{Yes: true}, false, nil, task.Succeeded, "", ""},
		{"no person", Runner{}, false, nil, task.Failed, `"go on?" needs approval, and there is no terminal; approve it in advance with --yes`, ""},
		{"no answer in time", Runner{Interactive: true}, false, late, task.Cancelled, "timed out", "go on?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			asked := ""
			tt.runner.Ask = func(_ context.Context, question string) (bool, error) {
				asked = question
				if tt.err != nil {
					cancel(tt.err)
				}
				return tt.yes, tt.err
			}
			got := tt.runner.Run(ctx, task.Task{Executor: task.Approve{Message: "go on?"}}, func(task.Output) {})
			if got.State != tt.want || got.Message != tt.says {
				t.Errorf("%s %q, want %s %q", got.State, got.Message, tt.want, tt.says)
			}
			if asked != tt.asks {
				t.Errorf("asks %q, want %q", asked, tt.asks)
			}
		})
	}
}

// TestUnreadable: an answer that cannot be read is no approval.
func TestUnreadable(t *testing.T) {
	r := Runner{Interactive: true, Ask: func(context.Context, string) (bool, error) { return true, errors.New("input/output error") }}
	got := r.Run(t.Context(), task.Task{Executor: task.Approve{Message: "go on?"}}, func(task.Output) {})
	if got.State != task.Failed || got.Message != "the answer could not be read: input/output error" {
		t.Errorf("%s %q", got.State, got.Message)
	}
}
