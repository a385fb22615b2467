package sleep

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestRun: a sleep takes its time, and ends early when it is cancelled.
func TestRun(t *testing.T) {
	pause := task.Sleep{For: time.Minute, Written: "1m"}
	for name, tt := range map[string]struct {
		executor task.Executor
		cancel   time.Duration
		want     task.State
		message  string
		after    time.Duration
	}{
		"to its end":     {pause, time.Hour, task.Succeeded, "", time.Minute},
		"no time":        {task.Sleep{Written: "0s"}, time.Hour, task.Succeeded, "", 0},
		"cancelled":      {pause, time.Second, task.Cancelled, "stopped", time.Second},
		"another's task": {task.Wait{}, time.Hour, task.Failed, "task.Wait is not a sleep task", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeoutCause(t.Context(), tt.cancel, errors.New("stopped"))
				defer cancel()
				start := time.Now()
				got := Runner{}.Run(ctx, task.Task{Executor: tt.executor}, func(task.Output) { t.Error("it prints") })
				if got.State != tt.want || got.Message != tt.message || time.Since(start) != tt.after {
					t.Errorf("%s %q after %s, want %s %q after %s", got.State, got.Message, time.Since(start), tt.want, tt.message, tt.after)
				}
			})
		})
	}
}
