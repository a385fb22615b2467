package engine

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestEarlier: work of earlier processes is not repeated. A started attempt is resumed, a failed one is tried again,
// and one with an unknown result stops the run.
func TestEarlier(t *testing.T) {
	ended := func(state task.State, attempt int) Prior {
		return Prior{StepResult: StepResult{Result: task.Result{State: state}}, Attempt: attempt}
	}
	started := func(attempt int) Prior { return Prior{Attempt: attempt} }
	tests := []struct {
		name    string
		plan    plan.Plan
		policy  map[string]task.Policy
		earlier map[string]Prior
		ends    map[string]task.State
		// ran are the attempts that the runner was handed, want the ends of all steps.
		ran, want string
	}{
		{
			name: "nothing is known", plan: steps("a", "b < a"), ran: "a1 b1", want: "a Succeeded, b Succeeded",
		},
		{
			name: "done", plan: steps("a", "b < a"), earlier: map[string]Prior{"a": ended(task.Succeeded, 1)},
			ran: "b1", want: "a Succeeded earlier, b Succeeded",
		},
		{
			name: "started", plan: steps("a", "b < a"), earlier: map[string]Prior{"a": started(2)},
			ran: "a2 resumed, b1", want: "a Succeeded, b Succeeded",
		},
		{
			name: "failed", plan: steps("a", "b < a"), earlier: map[string]Prior{"a": ended(task.Failed, 2), "b": ended(task.NotRun, 0)},
			ran: "a3 b1", want: "a Succeeded, b Succeeded",
		},
		{
			name: "a failure that was tolerated", plan: steps("a", "b < a"), earlier: map[string]Prior{"a": ended(task.Failed, 1)},
			policy: map[string]task.Policy{"a": {OnFailure: task.Warn}},
			ran:    "b1", want: "a Failed earlier, b Succeeded",
		},
		{
			name: "unknown", plan: steps("a", "b < a"), earlier: map[string]Prior{"a": ended(task.Unknown, 1)},
			want: "a Unknown earlier, b NotRun",
		},
		{
			name: "unknown, but it may run twice", plan: steps("a", "b < a"), earlier: map[string]Prior{"a": ended(task.Unknown, 1)},
			policy: map[string]task.Policy{"a": {Idempotent: true}},
			ran:    "a2 b1", want: "a Succeeded, b Succeeded",
		},
		{
			name: "started, and its end cannot be found", plan: steps("a", "b < a"), earlier: map[string]Prior{"a": started(1)},
			ends: map[string]task.State{"a1": task.Unknown},
			ran:  "a1 resumed", want: "a Unknown, b NotRun",
		},
		{
			name: "started, its end cannot be found, but it may run twice", plan: steps("a", "b < a"), earlier: map[string]Prior{"a": started(1)},
			policy: map[string]task.Policy{"a": {Idempotent: true}}, ends: map[string]task.State{"a1": task.Unknown},
			ran: "a1 resumed, a2 b1", want: "a Succeeded, b Succeeded",
		},
		{
			name: "cancelled", plan: steps("a"), earlier: map[string]Prior{"a": ended(task.Cancelled, 1)},
			ran: "a2", want: "a Succeeded",
		},
		{
			name: "nothing new was done: what ran at the end does not run again", plan: ends("a", "note !", "clean .", "more ."),
			earlier: map[string]Prior{"a": ended(task.Unknown, 1), "note": ended(task.Succeeded, 1), "clean": ended(task.Succeeded, 1), "more": ended(task.Failed, 1)},
			ran:     "more2", want: "a Unknown earlier, note Succeeded earlier, clean Succeeded earlier, more Succeeded",
		},
		{
			name: "something new was done: it has an end of its own", plan: ends("a", "note !", "clean .", "open ."),
			earlier: map[string]Prior{"a": ended(task.Failed, 1), "note": ended(task.Succeeded, 1), "clean": ended(task.Succeeded, 1), "open": ended(task.Unknown, 1)},
			ends:    map[string]task.State{"a2": task.Failed},
			ran:     "a2 note2 clean2", want: "a Failed, note Succeeded, clean Succeeded, open Unknown earlier",
		},
		{
			name: "the rollback had begun", plan: backwards(),
			earlier: map[string]Prior{"a": ended(task.Succeeded, 1), "b": ended(task.Succeeded, 1), "c": ended(task.Failed, 1), "undo/b": ended(task.Succeeded, 1), "undo/a": started(1)},
			ran:     "undo/a1 resumed, back1 end1",
			want:    "a Succeeded earlier, b Succeeded earlier, c Failed earlier, undo/c Skipped, undo/b Succeeded earlier, undo/a Succeeded, back Succeeded, end Succeeded",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var (
				mu  sync.Mutex
				ran []string
			)
			runner := runnerFunc(func(_ context.Context, a Attempt, _ task.Sink) task.Result {
				mu.Lock()
				defer mu.Unlock()
				id := fmt.Sprintf("%s%d", a.ID, a.Number)
				if a.Resumed {
					ran = append(ran, id+" resumed,")
				} else {
					ran = append(ran, id)
				}
				if state, ok := tt.ends[id]; ok {
					return task.Result{State: state}
				}
				return task.Result{State: task.Succeeded}
			})
			for i := range tt.plan.Steps {
				if s := &tt.plan.Steps[i]; s.Task != nil {
					if policy, ok := tt.policy[s.ID]; ok {
						s.Task.Policy = policy
					}
				}
			}
			var result Result
			synctest.Test(t, func(t *testing.T) {
				result = Engine{Runner: runner, Prior: tt.earlier}.Run(t.Context(), tt.plan)
			})
			var states []string
			for _, s := range result.Steps {
				state := fmt.Sprintf("%s %s", s.Step.ID, s.State)
				if s.Prior {
					state += " earlier"
				}
				states = append(states, state)
			}
			if got := strings.Join(states, ", "); got != tt.want {
				t.Errorf("ended\n got %s\nwant %s", got, tt.want)
			}
			if got := strings.TrimSuffix(strings.Join(ran, " "), ","); got != tt.ran {
				t.Errorf("ran\n got %s\nwant %s", got, tt.ran)
			}
		})
	}
}

// ends is a plan of tasks. Those with ! are for failures, those with . for the end of the run.
func ends(texts ...string) plan.Plan {
	names := make([]string, len(texts))
	for i, text := range texts {
		names[i], _, _ = strings.Cut(text, " ")
	}
	p := steps(names...)
	for i, text := range texts {
		switch {
		case strings.HasSuffix(text, " !"):
			p.Steps[i].Stage = task.AtFailure
		case strings.HasSuffix(text, " ."):
			p.Steps[i].Stage = task.AtEnd
		}
	}
	return p
}

// backwards is a plan of three tasks with undos. The last one asks for a rollback.
func backwards() plan.Plan {
	p := steps("a", "b < a", "c < b", "undo/c", "undo/b < undo/c", "undo/a < undo/b", "back < undo/a", "end")
	for i := range p.Steps {
		switch s := &p.Steps[i]; {
		case s.ID == "back":
			s.Kind, s.Task, s.Stage = plan.RollBack, nil, task.AtRollback
		case s.ID == "end":
			s.Stage = task.AtEnd
		case strings.HasPrefix(s.ID, "undo/"):
			s.Undoes, s.Stage = s.ID[len("undo/"):], task.AtRollback
		case s.ID == "c":
			s.Task.OnFailure = task.RollBack
		}
	}
	return p
}
