package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/mask"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// run is the state of one call of Run. Only the goroutine of that call uses it. The goroutines of the steps send their
// results through finished.
type run struct {
	engine  Engine
	plan    plan.Plan
	results []StepResult
	done    []bool
	// waits is the number of needs that each step still waits for.
	waits []int
	// place is the index of a step in the plan, by step ID.
	place map[string]int
	// masks and marked are as in attempts.
	masks, marked mask.Secrets
	// dependents are the steps that need each step.
	dependents [][]int
	finished   chan finishedStep
	// othersDone is closed when only a step of kind Finish runs in its stage and no other step can start.
	othersDone <-chan struct{}
	// firstFailed is the title of the first step that failed and whose failure is not tolerated.
	firstFailed string
	// cancelled reports that the step of firstFailed was cancelled and did not fail by itself.
	cancelled bool
	// rollingBack reports that an earlier process had started the rollback.
	rollingBack bool
	// worked reports that this process has started a step that may change something, before the end of the run.
	worked atomic.Bool

	emitting sync.Mutex
}

type finishedStep struct {
	step   int
	result StepResult
}

func newRun(e Engine, p plan.Plan) *run {
	n := len(p.Steps)
	r := &run{
		engine: e, plan: p, finished: make(chan finishedStep),
		results: make([]StepResult, n), done: make([]bool, n), waits: make([]int, n), dependents: make([][]int, n),
	}
	r.marked.Also = &r.masks
	r.place = make(map[string]int, n)
	for i, s := range p.Steps {
		r.place[s.ID] = i
	}
	for i, s := range p.Steps {
		for _, need := range s.Needs {
			if at, ok := r.place[need]; ok {
				r.waits[i]++
				r.dependents[at] = append(r.dependents[at], i)
			}
		}
	}
	return r
}

// stage runs the steps of the stages for which belongs returns true. Steps that could not run get a result, too.
func (r *run) stage(ctx context.Context, belongs func(task.Stage) bool) {
	r.firstFailed = ""
	waiting, endWaits := context.WithCancelCause(ctx)
	defer endWaits(nil)
	var ready []int // in the order of the plan, in which needs come first
	for i, s := range r.plan.Steps {
		if belongs(s.Stage) && r.waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	alone := make(chan struct{})
	r.othersDone = alone
	var busy, idle, last int // the number of steps that do something, that only wait, and that wait for all others
	for {
		ready = slices.DeleteFunc(ready, func(i int) bool {
			s := r.plan.Steps[i]
			switch {
			case !r.mayStart(ctx):
				return false
			case s.OnlyWaits():
				idle++
				r.start(waiting, i)
			case busy < r.engine.Concurrency:
				busy++
				r.start(ctx, i)
			default:
				return false
			}
			if s.Kind == plan.Finish {
				last++
			}
			return true
		})
		if busy+idle == 0 {
			break
		}
		if last > 0 && last == busy+idle && alone != nil {
			if r.firstFailed != "" {
				endWaits(fmt.Errorf("%q did not succeed", r.firstFailed))
			} else {
				close(alone)
			}
			alone = nil
		}
		e := <-r.finished
		switch s := r.plan.Steps[e.step]; {
		case s.Kind == plan.Finish:
			last--
			idle--
		case s.OnlyWaits():
			idle--
		default:
			busy--
		}
		r.end(e.step, e.result)
		if !r.mayStart(ctx) {
			endWaits(fmt.Errorf("%q did not succeed", r.firstFailed))
		}
		if !e.result.State.Good() && !e.result.Tolerated() {
			continue
		}
		for _, d := range r.dependents[e.step] {
			if r.waits[d]--; r.waits[d] == 0 && belongs(r.plan.Steps[d].Stage) {
				ready = append(ready, d)
			}
		}
	}
	for i, s := range r.plan.Steps {
		if belongs(s.Stage) && !r.done[i] {
			r.end(i, notRun(s, r.notRunReason(ctx, s)))
		}
	}
}

// asksForRollback reports whether a failure requires a rollback.
func (r *run) asksForRollback() bool {
	return r.rollingBack || slices.ContainsFunc(r.results, func(s StepResult) bool {
		asks := s.Step.Task != nil && s.Step.Task.OnFailure == task.RollBack
		return s.State == task.Failed && !s.Tolerated() && (asks || r.engine.RollBack)
	})
}

func (r *run) mayStart(ctx context.Context) bool {
	return ctx.Err() == nil && (r.firstFailed == "" || r.engine.KeepGoing)
}

// skip gives the steps of a stage that did not run their results.
func (r *run) skip(ctx context.Context, stage task.Stage, failed string) {
	for i, s := range r.plan.Steps {
		if s.Stage != stage || r.done[i] {
			continue
		}
		if failed == "" {
			r.end(i, StepResult{Step: s, Result: task.Result{State: task.Skipped, Reason: ReasonNotNeeded, Message: "nothing failed"}})
		} else {
			r.end(i, notRun(s, r.notRunReason(ctx, s)))
		}
	}
}

// end stores the result of a step and emits it.
func (r *run) end(i int, s StepResult) {
	s.Result = r.masked(s.Result)
	r.results[i], r.done[i] = s, true
	if s.Reason == ReasonNotNeeded && s.Step.Stage == task.AtRollback {
		return // a rollback that was not needed is not shown
	}
	r.emit(StepEnded{Time: s.End, Step: s.Step, Result: s})
	if s.State.Good() || s.State == task.NotRun || s.Tolerated() || r.firstFailed != "" {
		return
	}
	r.firstFailed, r.cancelled = s.Step.Title(), s.State == task.Cancelled
}

func (r *run) emit(e Event) {
	if r.engine.Emit == nil {
		return
	}
	r.emitting.Lock()
	defer r.emitting.Unlock()
	r.engine.Emit(e)
}
