package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// finisher is a runner whose steps of kind Finish end when no other step runs.
type finisher struct{ script }

func (f finisher) Run(ctx context.Context, a Attempt, sink task.Sink) task.Result {
	if a.Kind != plan.Finish {
		return f.script.Run(ctx, a, sink)
	}
	select {
	case <-ctx.Done():
		return task.Result{State: task.Cancelled, Message: context.Cause(ctx).Error()}
	case <-a.OthersDone:
		return task.Result{State: task.Succeeded}
	}
}

// TestFinish: Helm's part ends when all steps in parallel with it have succeeded, however few may run at the same time.
// It is cancelled after a failure, also when steps that do not need the failed one continue.
func TestFinish(t *testing.T) {
	p := steps("apply", "finish < apply", "a < apply", "b < a", "c < apply", "later < finish b c")
	p.Steps[1].Kind, p.Steps[1].Task = plan.Finish, nil
	for name, test := range map[string]struct {
		engine Engine
		script script
		cancel time.Duration
		want   map[string]string
	}{
		"all succeed": {Engine{}, nil, 0, map[string]string{"finish": "3 Succeeded", "b": "3 Succeeded", "later": "4 Succeeded"}},
		"one at a time": {
			Engine{Concurrency: 1}, nil, 0, map[string]string{"finish": "4 Succeeded", "b": "4 Succeeded", "later": "5 Succeeded"},
		},
		"one fails": {
			Engine{}, script{"c": task.Failed}, 0, map[string]string{"finish": "2 Cancelled"},
		},
		"one fails and others continue": {
			Engine{KeepGoing: true}, script{"c": task.Failed}, 0, map[string]string{"finish": "3 Cancelled", "b": "3 Succeeded", "later": "3 NotRun"},
		},
		"another one would need what failed": {
			Engine{KeepGoing: true}, script{"a": task.Failed}, 0, map[string]string{"finish": "2 Cancelled", "b": "2 NotRun", "later": "2 NotRun"},
		},
		"cancelled": {Engine{}, nil, 1500 * time.Millisecond, map[string]string{"finish": "1 Cancelled", "b": "1 NotRun", "later": "1 NotRun"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.cancel > 0 {
					time.AfterFunc(test.cancel, cancel)
				}
				began := time.Now()
				got := map[string]string{}
				e := test.engine
				e.Runner = finisher{test.script}
				e.Emit = func(event Event) {
					if end, ok := event.(StepEnded); ok && test.want[end.Step.ID] != "" {
						got[end.Step.ID] = time.Since(began).Truncate(time.Second).String()[:1] + " " + string(end.Result.State)
					}
				}
				e.Run(ctx, p)
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}
