package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestWhyNot: a step that did not run names the step that kept it from running.
func TestWhyNot(t *testing.T) {
	tests := []struct {
		name   string
		plan   []string
		ends   script
		going  bool
		limit  int
		cancel time.Duration
		want   map[string]string
	}{
		{"each its own need", []string{"a", "b", "c < a", "d < b", "e < d"}, script{"a": task.Failed, "b": task.Failed}, true, 4, 0, map[string]string{
			"c": `not run because "a" did not succeed`, "d": `not run because "b" did not succeed`, "e": `not run because "b" did not succeed`,
		}},
		{"its own need also when the run stops", []string{"a", "b", "d < b"}, script{"a": task.Failed, "b": task.Unknown}, false, 4, 0, map[string]string{
			"d": `not run because "b" did not succeed`,
		}},
		{"what stopped the run, when its needs are well", []string{"z", "a < z", "c < z", "d < c"}, script{"a": task.Failed}, false, 1, 0, map[string]string{
			"c": `not run because "a" did not succeed`, "d": `not run because "a" did not succeed`,
		}},
		{"the run was cancelled", []string{"a", "b < a", "c < b"}, nil, false, 4, 500 * time.Millisecond, map[string]string{
			"b": "not run because the run was cancelled", "c": "not run because the run was cancelled",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, func() { cancel(errors.New("interrupted")) })
				}
				result := Engine{Runner: tt.ends, Concurrency: tt.limit, KeepGoing: tt.going}.Run(ctx, steps(tt.plan...))
				for _, s := range result.Steps {
					if why := tt.want[s.Step.ID]; (s.State == task.NotRun) != (why != "") || why != "" && s.Message != why {
						t.Errorf("%s: %s %q, want %q", s.Step.ID, s.State, s.Message, why)
					}
				}
			})
		})
	}
}

// TestSkippedDoesNotStart: a task whose condition is false, known before or when it starts, is reported as skipped and
// never as started.
func TestSkippedDoesNotStart(t *testing.T) {
	p := steps("a", "b < a", "c < b")
	p.Steps[0].Task.Skip = "when is false"
	p.Steps[1].Task.Deferred = late(func(task.Values) (task.Executor, string, error) { return nil, "the output is empty", nil })
	var events recorder
	events.began = time.Now()
	result := Engine{Runner: script{}, Concurrency: 1, Emit: events.emit}.Run(t.Context(), p)
	want := []string{"0 end a Skipped", "0 end b Skipped", "0 start c", "1 print c", "1 end c Succeeded"}
	if got := events.lines; len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("%q, want %q", got, want)
	}
	if b := result.Steps[1]; b.Message != "the output is empty" || b.Reason != "Condition" || !b.Start.IsZero() {
		t.Errorf("%+v", b)
	}
}

type late func(task.Values) (task.Executor, string, error)

func (l late) Resolve(v task.Values) (task.Executor, string, error) { return l(v) }
