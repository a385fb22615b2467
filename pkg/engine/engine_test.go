package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// steps returns a plan from lines "id [< needs]".
func steps(lines ...string) plan.Plan {
	var p plan.Plan
	for _, l := range lines {
		id, needs, _ := strings.Cut(l, " < ")
		p.Steps = append(p.Steps, plan.Step{ID: id, Kind: plan.Task, Task: &task.Task{Name: id}, Needs: strings.Fields(needs)})
	}
	return p
}

// script is a runner whose steps take a second each and end with the given results; others succeed.
type script map[string]task.State

func (s script) Run(ctx context.Context, step Attempt, sink task.Sink) task.Result {
	select {
	case <-ctx.Done():
		return task.Result{State: task.Cancelled, Message: context.Cause(ctx).Error()}
	case <-time.After(time.Second):
	}
	sink(task.Output{Stream: task.Stdout, Data: []byte(step.ID + "\n")})
	if state, ok := s[step.ID]; ok {
		return task.Result{State: state}
	}
	return task.Result{State: task.Succeeded}
}

// recorder writes events as lines with their second.
type recorder struct {
	began time.Time
	lines []string
}

func (r *recorder) emit(e Event) {
	at := int(time.Since(r.began).Seconds())
	switch e := e.(type) {
	case StepStarted:
		r.lines = append(r.lines, fmt.Sprintf("%d start %s", at, e.Step.ID))
	case StepOutput:
		r.lines = append(r.lines, fmt.Sprintf("%d print %s", at, strings.TrimSpace(string(e.Output.Data))))
	case StepEnded:
		r.lines = append(r.lines, fmt.Sprintf("%d end %s %s", at, e.Step.ID, e.Result.State))
	}
}

func TestRun(t *testing.T) {
	tests := []struct {
		name   string
		plan   plan.Plan
		ends   script
		policy map[string]task.FailurePolicy
		cancel time.Duration
		limit  int
		want   []string
		state  task.State
	}{
		{name: "nothing to do", state: task.Succeeded},
		{
			name: "one after another", plan: steps("a", "b < a"), state: task.Succeeded,
			want: []string{"0 start a", "1 print a", "1 end a Succeeded", "1 start b", "2 print b", "2 end b Succeeded"},
		},
		{
			name: "a failure keeps what needs it from running", plan: steps("a", "b < a"), ends: script{"a": task.Failed}, state: task.Failed,
			want: []string{"0 start a", "1 print a", "1 end a Failed", "1 end b NotRun"},
		},
		{
			name: "nothing new starts after a failure, also what does not need it", plan: steps("a", "b", "c < b"), ends: script{"a": task.Failed}, limit: 1, state: task.Failed,
			want: []string{"0 start a", "1 print a", "1 end a Failed", "1 end b NotRun", "1 end c NotRun"},
		},
		{
			name: "a tolerated failure is no failure", plan: steps("a", "b < a"), ends: script{"a": task.Failed},
			policy: map[string]task.FailurePolicy{"a": task.Continue}, state: task.Succeeded,
			want: []string{"0 start a", "1 print a", "1 end a Failed", "1 start b", "2 print b", "2 end b Succeeded"},
		},
		{
			name: "unknown is never tolerated", plan: steps("a", "b < a"), ends: script{"a": task.Unknown},
			policy: map[string]task.FailurePolicy{"a": task.Continue}, state: task.Unknown,
			want: []string{"0 start a", "1 print a", "1 end a Unknown", "1 end b NotRun"},
		},
		{
			name: "skipped counts as met", plan: steps("a", "b < a"), ends: script{"a": task.Skipped}, state: task.Succeeded,
			want: []string{"0 start a", "1 print a", "1 end a Skipped", "1 start b", "2 print b", "2 end b Succeeded"},
		},
		{
			name: "cancelled at once", plan: steps("a"), cancel: -1, state: task.Cancelled,
			want: []string{"0 end a NotRun"},
		},
		{
			name: "cancelled while running", plan: steps("a", "b < a"), cancel: 500 * time.Millisecond, state: task.Cancelled,
			want: []string{"0 start a", "0 end a Cancelled", "0 end b NotRun"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for i := range tt.plan.Steps {
					tt.plan.Steps[i].Task.OnFailure = tt.policy[tt.plan.Steps[i].ID]
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if tt.cancel < 0 {
					cancel(errors.New("stop"))
				} else if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, func() { cancel(errors.New("stop")) })
				}
				r := &recorder{began: time.Now()}
				result := Engine{Runner: tt.ends, Emit: r.emit, Concurrency: tt.limit}.Run(ctx, tt.plan)
				if diff := cmp.Diff(tt.want, r.lines); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if result.State() != tt.state {
					t.Errorf("state %s, want %s", result.State(), tt.state)
				}
				if len(result.Steps) != len(tt.plan.Steps) {
					t.Errorf("%d results for %d steps", len(result.Steps), len(tt.plan.Steps))
				}
			})
		})
	}
}

func TestRunTellsWhyNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result := Engine{Runner: script{"a": task.Failed}}.Run(t.Context(), steps("a", "b < a"))
		if got, want := result.Steps[1].Message, `not run because "a" did not succeed`; got != want {
			t.Errorf("message %q, want %q", got, want)
		}
	})
}

// TestRunConcurrency: the steps that run at the same time reach the limit and never exceed it.
func TestRunConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		for i := range 20 {
			lines = append(lines, fmt.Sprint(i))
		}
		var (
			mu            sync.Mutex
			running, most int
		)
		count := runnerFunc(func(context.Context, Attempt, task.Sink) task.Result {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			return task.Result{State: task.Succeeded}
		})
		began := time.Now()
		Engine{Runner: count, Concurrency: 5}.Run(t.Context(), steps(lines...))
		if took := time.Since(began); most != 5 || took != 4*time.Second {
			t.Errorf("%d at the same time, in %s; want 5, in 4s", most, took)
		}
	})
}

func TestRunPanic(t *testing.T) {
	result := Engine{Runner: runnerFunc(func(context.Context, Attempt, task.Sink) task.Result { panic("oh no") })}.
		Run(t.Context(), steps("a"))
	if s := result.Steps[0]; s.State != task.Unknown || !strings.Contains(s.Message, "oh no") {
		t.Errorf("a panic of a runner ends as %s: %s", s.State, s.Message)
	}
}

type runnerFunc func(context.Context, Attempt, task.Sink) task.Result

func (f runnerFunc) Run(ctx context.Context, s Attempt, sink task.Sink) task.Result {
	return f(ctx, s, sink)
}
