package engine

import (
	"context"
	"io"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// DefaultConcurrency is the number of steps that run at the same time by default.
const DefaultConcurrency = 8

// Runner carries out one attempt of a step. Run returns when the attempt has ended. After ctx is cancelled it first stops
// what it started.
type Runner interface {
	Run(ctx context.Context, attempt Attempt, sink task.Sink) task.Result
}

// Journal records each step that may change something, before it starts and when it has ended. It does not get steps that
// only wait, nor skipped steps. It is called from several goroutines.
type Journal interface {
	// Before is called before an attempt starts. On an error the attempt does not start. Before must return soon after
	// ctx ends.
	Before(ctx context.Context, attempt Attempt) error
	// Retried is called when an attempt has ended and another one follows.
	Retried(attempt Attempt, result task.Result) error
	// After is called when the step has ended. An error is shown and does not change the result.
	After(result StepResult) error
}

// Engine runs plans.
type Engine struct {
	Runner Runner
	// Journal may be nil.
	Journal Journal
	// Emit takes the events, one at a time and in order. It may block.
	Emit func(Event)
	// Data takes the standard output of tasks with one target, unchanged except for values that tasks mark as secret; nil
	// discards it. The events have the same output without any secret.
	Data io.Writer
	// Concurrency limits the steps that run at the same time, not counting those that only wait; 0 means
	// DefaultConcurrency.
	Concurrency int
	// KeepGoing continues after a failure with the steps that do not need the failed one.
	KeepGoing bool
	// RollBack runs the steps of AtRollback after any failure that is not tolerated, whether its task asks for it or not.
	RollBack bool
	// Prior is the known work of earlier processes of the same run, by step ID.
	Prior map[string]Prior
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Run runs the plan to its end and returns the result of each step. After a failure no new step starts, unless KeepGoing
// is set: running steps finish, and steps that only wait are cancelled. After ctx is cancelled no new step starts either,
// and the runners stop the running ones. Then the steps of AtFailure run if a step has failed, and those of AtRollback if
// a failed task asks for a rollback. The steps of AtEnd run last, in any case, even when ctx is cancelled. Steps that an
// earlier process has done are not run again; see Prior.
func (e Engine) Run(ctx context.Context, p plan.Plan) Result {
	if e.Concurrency <= 0 {
		e.Concurrency = DefaultConcurrency
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	r := newRun(e, p)
	result := Result{Start: e.Now()}

	failed := r.resumeRollback()
	if failed == "" {
		r.stage(ctx, func(s task.Stage) bool { return s <= task.After })
		failed = r.firstFailed
	}
	if failed != "" && ctx.Err() == nil {
		r.stage(ctx, func(s task.Stage) bool { return s == task.AtFailure })
	}
	r.skip(ctx, task.AtFailure, failed)
	if failed != "" && ctx.Err() == nil && r.asksForRollback() {
		r.stage(ctx, func(s task.Stage) bool { return s == task.AtRollback })
	}
	r.skip(ctx, task.AtRollback, "")
	r.stage(context.WithoutCancel(ctx), func(s task.Stage) bool { return s == task.AtEnd })

	result.Steps = r.results
	result.End = e.Now()
	return result
}
