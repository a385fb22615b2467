package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// tries is a runner whose attempts take the given times and end in the given states; the last of them repeats. It
// prints a line each second, and stops when ctx ends.
type tries struct {
	takes  []time.Duration
	states []task.State
	silent bool
	n      int
}

func (r *tries) Run(ctx context.Context, _ Attempt, sink task.Sink) task.Result {
	i := min(r.n, len(r.states)-1)
	r.n++
	took := time.Second
	if len(r.takes) > 0 {
		took = r.takes[min(i, len(r.takes)-1)]
	}
	end := time.After(took)
	for {
		select {
		case <-ctx.Done():
			return task.Result{State: task.Cancelled, Message: context.Cause(ctx).Error()}
		case <-end:
			return task.Result{State: r.states[i]}
		case <-time.After(time.Second):
			if !r.silent {
				sink(task.Output{Data: []byte("x\n")})
			}
		}
	}
}

func TestPolicy(t *testing.T) {
	minute := []time.Duration{time.Minute}
	tests := []struct {
		name   string
		policy task.Policy
		runner tries
		cancel time.Duration
		state  task.State
		tried  int
		took   time.Duration
		says   string
	}{
		{name: "success needs no other attempt", policy: task.Policy{Retries: 3}, runner: tries{states: []task.State{task.Succeeded}}, state: task.Succeeded, tried: 1, took: time.Second},
		{name: "no retries", runner: tries{states: []task.State{task.Failed}}, state: task.Failed, tried: 1, took: time.Second},
		{
			name: "the third attempt succeeds, the pause doubles", policy: task.Policy{Retries: 5, Backoff: 10 * time.Second},
			runner: tries{states: []task.State{task.Failed, task.Failed, task.Succeeded}}, state: task.Succeeded, tried: 3, took: 33 * time.Second,
		},
		{name: "all fail", policy: task.Policy{Retries: 2}, runner: tries{states: []task.State{task.Failed}}, state: task.Failed, tried: 3, took: 6 * time.Second},
		{name: "unknown is not tried again", policy: task.Policy{Retries: 2}, runner: tries{states: []task.State{task.Unknown}}, state: task.Unknown, tried: 1, took: time.Second},
		{
			name: "unless that does no harm", policy: task.Policy{Retries: 2, Idempotent: true},
			runner: tries{states: []task.State{task.Unknown, task.Succeeded}}, state: task.Succeeded, tried: 2, took: 3 * time.Second,
		},
		{
			name: "an attempt has a limit, and another may follow", policy: task.Policy{Timeout: 5 * time.Second, Retries: 1},
			runner: tries{takes: []time.Duration{time.Minute, time.Second}, states: []task.State{task.Succeeded, task.Succeeded}}, state: task.Succeeded, tried: 2, took: 7 * time.Second,
		},
		{name: "timeout", policy: task.Policy{Timeout: 5 * time.Second}, runner: tries{takes: minute, states: []task.State{task.Succeeded}}, state: task.Failed, tried: 1, took: 5 * time.Second, says: "Timeout timed out after 5s"},
		{
			name: "all attempts together", policy: task.Policy{TotalTimeout: 10 * time.Second, Timeout: 4 * time.Second, Retries: 9, Backoff: time.Second},
			runner: tries{takes: minute, states: []task.State{task.Succeeded}}, state: task.Failed, tried: 2, took: 10 * time.Second, says: "Timeout timed out after 4s",
		},
		{
			name: "the total ends an attempt", policy: task.Policy{TotalTimeout: 3 * time.Second, Retries: 9},
			runner: tries{takes: minute, states: []task.State{task.Succeeded}}, state: task.Failed, tried: 1, took: 3 * time.Second, says: "Timeout timed out after 3s in total, over all attempts",
		},
		{name: "silence", policy: task.Policy{IdleTimeout: 3 * time.Second}, runner: tries{takes: minute, silent: true, states: []task.State{task.Succeeded}}, state: task.Failed, tried: 1, took: 3 * time.Second, says: "Timeout printed nothing for 3s"},
		{name: "who speaks is not silent", policy: task.Policy{IdleTimeout: 3 * time.Second}, runner: tries{takes: minute, states: []task.State{task.Succeeded}}, state: task.Succeeded, tried: 1, took: time.Minute},
		{name: "cancelled in a pause", policy: task.Policy{Retries: 9, Backoff: time.Minute}, runner: tries{states: []task.State{task.Failed}}, cancel: 5 * time.Second, state: task.Failed, tried: 1, took: 5 * time.Second},
		{name: "cancelled is not tried again", policy: task.Policy{Retries: 9}, runner: tries{takes: minute, states: []task.State{task.Failed}}, cancel: 5 * time.Second, state: task.Cancelled, tried: 1, took: 5 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := steps("a")
				p.Steps[0].Task.Policy = tt.policy
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, func() { cancel(errors.New("stop")) })
				}
				retried := 0
				began := time.Now()
				result := Engine{Runner: &tt.runner, Emit: func(e Event) {
					if _, ok := e.(StepRetried); ok {
						retried++
					}
				}}.Run(ctx, p).Steps[0]
				if result.State != tt.state || tt.runner.n != tt.tried || result.Attempts != tt.tried {
					t.Errorf("%s after %d attempts (%d counted), want %s after %d", result.State, tt.runner.n, result.Attempts, tt.state, tt.tried)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
				if got := strings.TrimSpace(result.Reason + " " + result.Message); tt.says != "" && got != tt.says {
					t.Errorf("says %q, want %q", got, tt.says)
				}
				if want := tt.tried - 1; retried != want && tt.cancel == 0 && tt.policy.TotalTimeout == 0 {
					t.Errorf("%d events, want %d", retried, want)
				}
			})
		})
	}
}

// TestStages: on-failure steps run after a failure, finally steps in any case.
func TestStages(t *testing.T) {
	tests := []struct {
		name   string
		ends   script
		cancel bool
		keep   bool
		want   []string
		state  task.State
	}{
		{"all well", nil, false, false, []string{"a Succeeded", "b Succeeded", "c Succeeded", "sorry Skipped", "bye Succeeded"}, task.Succeeded},
		{"a failure", script{"a": task.Failed}, false, false, []string{"a Failed", "b NotRun", "c NotRun", "sorry Succeeded", "bye Succeeded"}, task.Failed},
		{"a failure, keep going", script{"a": task.Failed}, false, true, []string{"a Failed", "b NotRun", "c Succeeded", "sorry Succeeded", "bye Succeeded"}, task.Failed},
		{"on-failure fails", script{"a": task.Failed, "sorry": task.Failed}, false, false, []string{"a Failed", "b NotRun", "c NotRun", "sorry Failed", "bye Succeeded"}, task.Failed},
		{"finally fails", script{"bye": task.Failed}, false, false, []string{"a Succeeded", "b Succeeded", "c Succeeded", "sorry Skipped", "bye Failed"}, task.Failed},
		{"cancelled", nil, true, false, []string{"a Cancelled", "b NotRun", "c NotRun", "sorry NotRun", "bye Succeeded"}, task.Cancelled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := steps("a", "b < a", "c", "sorry", "bye")
				p.Steps[3].Stage, p.Steps[4].Stage = task.AtFailure, task.AtEnd
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if tt.cancel {
					time.AfterFunc(500*time.Millisecond, func() { cancel(errors.New("stop")) })
				}
				result := Engine{Runner: tt.ends, Concurrency: 1, KeepGoing: tt.keep}.Run(ctx, p)
				var got []string
				for _, s := range result.Steps {
					got = append(got, fmt.Sprintf("%s %s", s.Step.ID, s.State))
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if result.State() != tt.state {
					t.Errorf("state %s, want %s", result.State(), tt.state)
				}
			})
		})
	}
}

// TestFailureEndsWaits: steps that only wait do not delay the end of a failed run; running tasks do.
func TestFailureEndsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := steps("a", "wait", "work")
		p.Steps[1].Kind = plan.Ready
		runner := runnerFunc(func(ctx context.Context, s Attempt, _ task.Sink) task.Result {
			after := map[string]time.Duration{"a": time.Second, "wait": time.Hour, "work": time.Minute}[s.ID]
			select {
			case <-ctx.Done():
				return task.Result{State: task.Cancelled, Message: context.Cause(ctx).Error()}
			case <-time.After(after):
			}
			return task.Result{State: map[string]task.State{"a": task.Failed, "work": task.Succeeded}[s.ID]}
		})
		began := time.Now()
		result := Engine{Runner: runner}.Run(t.Context(), p)
		if took := time.Since(began); took != time.Minute {
			t.Errorf("took %s, want 1m", took)
		}
		if wait := result.Steps[1]; wait.State != task.Cancelled || wait.Message != `"a" did not succeed` {
			t.Errorf("the wait: %s, %s", wait.State, wait.Message)
		}
		if result.State() != task.Failed {
			t.Errorf("state %s", result.State())
		}
	})
}

// stuck is a journal that cannot be written.
type stuck struct{}

func (stuck) Before(ctx context.Context, _ Attempt) error {
	<-ctx.Done()
	return errors.New("the server does not answer")
}
func (stuck) Retried(Attempt, task.Result) error { return nil }
func (stuck) After(StepResult) error             { return nil }

// TestStuckJournal: steps that have not started because the journal cannot be written end with the run, or with their
// time limit.
func TestStuckJournal(t *testing.T) {
	for name, tt := range map[string]struct {
		policy task.Policy
		want   task.State
		reason string
	}{
		"the run is stopped": {task.Policy{}, task.Cancelled, ReasonNotRecorded},
		"its time is over":   {task.Policy{TotalTimeout: time.Second}, task.Failed, ReasonTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(5*time.Second, func() { cancel(errors.New("stopped by interrupt")) })
				p := steps("a")
				p.Steps[0].Task.Policy = tt.policy
				runner := runnerFunc(func(context.Context, Attempt, task.Sink) task.Result {
					t.Error("it has started")
					return task.Result{State: task.Succeeded}
				})
				got := Engine{Runner: runner, Journal: stuck{}}.Run(ctx, p).Steps[0]
				if got.State != tt.want || got.Reason != tt.reason || !strings.Contains(got.Message, "the attempt had not started") {
					t.Errorf("%s, %s: %s", got.State, got.Reason, got.Message)
				}
				cancel(nil)
			})
		})
	}
}
