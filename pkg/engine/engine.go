package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// DefaultConcurrency is how many steps run at the same time when nobody says otherwise.
const DefaultConcurrency = 8

// Runner carries out one step. It returns when the step has ended, also after ctx was cancelled:
// then it stops what it started first.
type Runner interface {
	Run(ctx context.Context, step plan.Step, sink task.Sink) task.Result
}

// Engine runs plans.
type Engine struct {
	Runner Runner
	// Emit takes the events, one at a time and in order. It may block.
	Emit func(Event)
	// Concurrency is how many steps may run at the same time; 0 means DefaultConcurrency.
	Concurrency int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Run runs the plan to its end and returns how each step ended. After a failure nothing new
// starts, and what runs already finishes; after ctx is cancelled nothing new starts either, and
// the runners stop what runs.
func (e Engine) Run(ctx context.Context, p plan.Plan) Result {
	r := &run{engine: e, plan: p, results: make([]*StepResult, len(p.Steps)), ended: make(chan int)}
	if r.engine.Concurrency <= 0 {
		r.engine.Concurrency = DefaultConcurrency
	}
	if r.engine.Now == nil {
		r.engine.Now = time.Now
	}
	return r.run(ctx)
}

// run is the state of one call of Run. Only the goroutine of that call touches results; the
// goroutines of the steps hand theirs over through ended.
type run struct {
	engine  Engine
	plan    plan.Plan
	results []*StepResult
	ended   chan int
	running int
	failed  string // the title of the first step that failed, which stops the run

	emitting sync.Mutex
}

func (r *run) run(ctx context.Context) Result {
	result := Result{Start: r.engine.Now()}
	pending := make([]StepResult, len(r.plan.Steps))
	for {
		r.start(ctx, pending)
		if r.running == 0 {
			break
		}
		i := <-r.ended
		r.running--
		r.end(i, pending[i])
	}
	for i, s := range r.plan.Steps {
		if r.results[i] == nil {
			r.end(i, StepResult{Step: s, Result: task.Result{State: task.NotRun, Reason: "NotRun", Message: r.whyNot(ctx, s)}})
		}
		result.Steps = append(result.Steps, *r.results[i])
	}
	result.End = r.engine.Now()
	return result
}

// start starts every step that can run now, in the order of the plan.
func (r *run) start(ctx context.Context, pending []StepResult) {
	for i, s := range r.plan.Steps {
		if ctx.Err() != nil || r.failed != "" || r.running >= r.engine.Concurrency {
			return
		}
		if r.results[i] != nil || !pending[i].Start.IsZero() || !r.met(s) {
			continue
		}
		now := r.engine.Now()
		pending[i] = StepResult{Step: s, Start: now}
		r.running++
		r.emit(StepStarted{Time: now, Step: s})
		go func() {
			pending[i].Result = r.attempt(ctx, s)
			pending[i].End = r.engine.Now()
			r.ended <- i
		}()
	}
}

// attempt hands the step to the runner. A panic there is a bug of ours, and the step's end is
// then not known; the other steps must not die with it.
func (r *run) attempt(ctx context.Context, s plan.Step) (result task.Result) {
	defer func() {
		if p := recover(); p != nil {
			result = task.Result{State: task.Unknown, Reason: "Panic", Message: fmt.Sprintf("internal error: %v\n%s", p, debug.Stack())}
		}
	}()
	return r.engine.Runner.Run(ctx, s, func(o task.Output) { r.emit(StepOutput{Step: s, Output: o}) })
}

func (r *run) end(i int, s StepResult) {
	r.results[i] = &s
	r.emit(StepEnded{Time: s.End, Step: s.Step, Result: s})
	if s.State.Good() || s.State == task.NotRun || s.tolerated() {
		return
	}
	if r.failed == "" {
		r.failed = s.Step.Title()
	}
}

// met reports whether all that the step needs has ended well.
func (r *run) met(s plan.Step) bool {
	for _, need := range s.Needs {
		for i, other := range r.plan.Steps {
			if other.ID != need {
				continue
			}
			if done := r.results[i]; done == nil || !done.State.Good() && !done.tolerated() {
				return false
			}
		}
	}
	return true
}

func (r *run) whyNot(ctx context.Context, s plan.Step) string {
	if r.failed != "" {
		return fmt.Sprintf("not run because %q did not succeed", r.failed)
	}
	if ctx.Err() != nil {
		return "not run because the run was cancelled"
	}
	return fmt.Sprintf("not run: %v", s.Needs)
}

func (r *run) emit(e Event) {
	if r.engine.Emit == nil {
		return
	}
	r.emitting.Lock()
	defer r.emitting.Unlock()
	r.engine.Emit(e)
}
