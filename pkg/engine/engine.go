package engine

import (
	"context"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/mask"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// DefaultConcurrency is how many steps run at the same time when nobody says otherwise.
const DefaultConcurrency = 8

// Runner carries out one attempt of a step. It returns when that has ended, also after ctx was
// cancelled: then it stops what it started first.
type Runner interface {
	Run(ctx context.Context, attempt Attempt, sink task.Sink) task.Result
}

// Journal is told of each step that may change something, before it starts and when it has ended;
// not of those that only wait, nor of those that are skipped. It is called from several goroutines.
type Journal interface {
	// Before is called before an attempt starts. An error keeps it from starting; when ctx ends, it is to
	// return soon.
	Before(ctx context.Context, attempt Attempt) error
	// Retried is called when an attempt has ended and another one is going to follow.
	Retried(attempt Attempt, result task.Result) error
	// After is called when the step has ended. The result decides; an error is shown.
	After(result StepResult) error
}

// Engine runs plans.
type Engine struct {
	Runner Runner
	// Journal may be nil.
	Journal Journal
	// Emit takes the events, one at a time and in order. It may block.
	Emit func(Event)
	// Data takes what tasks with one target print on standard output as it is, but for what they mark as
	// secret; nil when nobody wants it. The events have it as well, without any secret.
	Data io.Writer
	// Concurrency is how many steps may run at the same time, without those that only wait; 0 means
	// DefaultConcurrency.
	Concurrency int
	// KeepGoing goes on, after a failure, with what does not need the step that failed.
	KeepGoing bool
	// RollBack has any failure that is not tolerated followed by the steps of AtRollback, whether its
	// task asks for it or not.
	RollBack bool
	// Prior is what earlier processes of the same run are known to have done, by the steps' IDs.
	Prior map[string]Prior
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Run runs the plan to its end and returns how each step ended. After a failure nothing new
// starts, unless KeepGoing; what runs already finishes, and what only waits is cancelled. After ctx is cancelled nothing new
// starts either, and the runners stop what runs. Then, when a step has failed, the steps of the
// stage AtFailure run, and, when a task that failed asks for it, those of AtRollback; and last, in any
// case and whatever became of ctx, those of AtEnd. What an earlier process has done is not done
// again; see Earlier.
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

// run is the state of one call of Run. Only the goroutine of that call touches it; the goroutines
// of the steps hand their results over through ended.
type run struct {
	engine  Engine
	plan    plan.Plan
	results []StepResult
	done    []bool
	// waits is how many of its needs each step still waits for.
	waits []int
	// place is where the plan has the step of an ID.
	place map[string]int
	// masks and marked are as in attempts.
	masks, marked mask.Secrets
	// dependents are the steps that need each step.
	dependents [][]int
	finished   chan finishedStep
	// othersDone is closed when a step of kind Finish is all that runs in its stage, and nothing else can begin.
	othersDone <-chan struct{}
	// firstFailed is the title of the first step that failed and was not allowed to.
	firstFailed string
	// cancelled reports that it was stopped, and did not fail by itself.
	cancelled bool
	// rollingBack reports that an earlier process had begun to roll back.
	rollingBack bool
	// worked reports that this process has started something that may change something, before the end of the run.
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

// stage runs the steps of the stages that belong to it, and tells of those that could not run.
func (r *run) stage(ctx context.Context, belongs func(task.Stage) bool) {
	r.firstFailed = ""
	waiting, endWaits := context.WithCancelCause(ctx)
	defer endWaits(nil)
	var ready []int // in the order of the plan, which is one in which needs come first
	for i, s := range r.plan.Steps {
		if belongs(s.Stage) && r.waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	alone := make(chan struct{})
	r.othersDone = alone
	var busy, idle, last int // how many steps do something, only wait, and wait for all others
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

// asksForRollback reports whether something failed that is followed by a rollback.
func (r *run) asksForRollback() bool {
	return r.rollingBack || slices.ContainsFunc(r.results, func(s StepResult) bool {
		asks := s.Step.Task != nil && s.Step.Task.OnFailure == task.RollBack
		return s.State == task.Failed && !s.Tolerated() && (asks || r.engine.RollBack)
	})
}

// ReasonNotNeeded is the Reason of steps that are there for a case that did not come.
const ReasonNotNeeded = "NotNeeded"

// undoApplies reports whether what the step takes back was done.
func (r *run) undoApplies(s plan.Step) bool {
	i, ok := r.place[s.Undoes]
	return s.Undoes == "" || ok && r.results[i].State == task.Succeeded
}

func (r *run) mayStart(ctx context.Context) bool {
	return ctx.Err() == nil && (r.firstFailed == "" || r.engine.KeepGoing)
}

// skip tells of the steps of a stage whose turn did not come.
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

func notRun(s plan.Step, why string) StepResult {
	return StepResult{Step: s, Result: task.Result{State: task.NotRun, Reason: "NotRun", Message: why}}
}

func (r *run) start(ctx context.Context, i int) {
	s, began := r.plan.Steps[i], r.engine.Now()
	earlier := r.prior(s)
	if !r.undoApplies(s) {
		r.finishWithoutRunner(i, StepResult{Step: s, Result: task.Result{State: task.Skipped, Reason: ReasonNotNeeded, Message: "there is nothing to take back"}})
		return
	}
	if earlier.final(s) {
		r.finishWithoutRunner(i, earlier.result(s))
		return
	}
	known, result := resolve(s, r.values(s))
	if result == nil && known.Task != nil && known.Task.Skip != "" {
		result = &task.Result{State: task.Skipped, Reason: "Condition", Message: known.Task.Skip}
	}
	if result != nil { // it does not start
		r.finishWithoutRunner(i, StepResult{Step: s, Result: *result})
		return
	}
	r.emit(StepStarted{Time: began, Step: s})
	values := r.values(s)
	go func() {
		result, hid := r.execute(ctx, known, values, earlier)
		r.finished <- finishedStep{i, StepResult{Step: s, Result: result, Start: began, End: r.engine.Now(), Masked: hid}}
	}()
}

// resolve returns the step as it is to be carried out, or how it ends because that cannot be found out.
func resolve(s plan.Step, values task.Values) (known plan.Step, end *task.Result) {
	defer func() {
		if p := recover(); p != nil {
			end = panicked(p)
		}
	}()
	known, err := resolved(s, values)
	if err != nil {
		end = &task.Result{State: task.Failed, Reason: "Expression", Message: err.Error()}
	}
	return known, end
}

// panicked is the end of a step in which this program had a bug: it is not known, and the other steps must not die
// with it.
func panicked(p any) *task.Result {
	return &task.Result{State: task.Unknown, Reason: "Panic", Message: fmt.Sprintf("internal error: %v\n%s", p, debug.Stack())}
}

// finishWithoutRunner ends a step that needs no runner.
func (r *run) finishWithoutRunner(i int, result StepResult) {
	go func() { r.finished <- finishedStep{i, result} }()
}

// execute hands the step to the runner; hid reports that a secret was taken out of what it printed.
func (r *run) execute(ctx context.Context, s plan.Step, values task.Values, earlier Prior) (result task.Result, hid bool) {
	defer func() {
		if p := recover(); p != nil {
			result = *panicked(p)
		}
	}()
	journal := r.engine.Journal
	if s.OnlyWaits() {
		journal = nil
	} else if !atEnd(s) {
		r.worked.Store(true)
	}
	shown := mask.NewFilter(&r.masks, func(o task.Output) { r.emit(StepOutput{Step: s, Output: o}) })
	data := mask.NewFilter(&r.marked, func(o task.Output) { _, _ = r.engine.Data.Write(o.Data) })
	sink := func(o task.Output) {
		if r.engine.Data != nil && o.Stream == task.Stdout && o.Target == "" {
			data.Pass(o)
		}
		shown.Pass(o)
	}
	result = r.masked(r.attempts(s, journal, sink).run(ctx, s, earlier))
	hid = shown.Flush()
	data.Flush()
	if journal != nil && result.Reason != ReasonNotRecorded {
		s, err := withUndo(s, values, result)
		if err == nil {
			err = journal.After(StepResult{Step: s, Result: result})
		}
		if err != nil {
			r.warn(s, fmt.Sprintf("how it ended is not recorded: %v", err))
		}
	}
	result.Tidy()
	return result, hid
}

// attempts are how a step of the run is tried.
func (r *run) attempts(s plan.Step, journal Journal, sink task.Sink) attempts {
	return attempts{
		othersDone: r.othersDone, runner: r.engine.Runner, journal: journal, masks: &r.masks, marked: &r.marked, sink: sink,
		retried: func(a StepRetried) {
			a.Time, a.Result.Message = r.engine.Now(), r.masks.Text(a.Result.Message)
			r.emit(a)
		},
		warn: func(text string) { r.warn(s, text) },
	}
}

// warn tells of what went wrong beside a step.
func (r *run) warn(s plan.Step, text string) {
	r.emit(StepOutput{Step: s, Output: task.Output{Stream: task.Note, Data: r.masks.Bytes([]byte(text + "\n"))}})
}

// withUndo returns the step with the undo of its task as it has to be done after this end: of a success
// only, for what was not done has no outputs that it could refer to.
func withUndo(s plan.Step, values task.Values, result task.Result) (plan.Step, error) {
	if s.Task == nil || s.Task.Undo == nil || s.Task.Undo.Deferred == nil || result.State != task.Succeeded {
		return s, nil
	}
	undo, t := *s.Task.Undo, *s.Task
	known := task.Values{Run: values.Run, Tasks: map[string]task.Outcome{}}
	maps.Copy(known.Tasks, values.Tasks)
	known.Tasks[t.Name] = task.Outcome{State: result.State, ExitCode: result.ExitCode, Outputs: result.Outputs}
	executor, skip, err := undo.Deferred.Resolve(known)
	if err != nil {
		return s, err
	}
	undo.Executor, undo.Skip, undo.Deferred, undo.Reads = executor, skip, nil, nil
	t.Undo = &undo
	s.Task = &t
	return s, nil
}

// values are what the step's task can refer to when its turn comes.
func (r *run) values(s plan.Step) task.Values {
	if s.Task == nil || s.Task.Deferred == nil && (s.Task.Undo == nil || s.Task.Undo.Deferred == nil) {
		return task.Values{}
	}
	reads := s.Task.Reads
	if s.Task.Undo != nil {
		reads = slices.Concat(reads, s.Task.Undo.Reads)
	}
	values := task.Values{Run: Result{Steps: r.results}.State(), Tasks: make(map[string]task.Outcome, len(reads))}
	for _, read := range reads {
		ended := task.Outcome{State: task.NotRun}
		if i, ok := r.place[read.Task]; ok && r.done[i] {
			ended = task.Outcome{State: r.results[i].State, ExitCode: r.results[i].ExitCode, Outputs: r.results[i].Outputs}
		}
		values.Tasks[read.Task] = ended
	}
	return values
}

// resolved returns the step with what was not known when it was planned.
func resolved(s plan.Step, values task.Values) (plan.Step, error) {
	if s.Task == nil || s.Task.Deferred == nil || s.Task.Skip != "" {
		return s, nil
	}
	t := *s.Task
	executor, skip, err := t.Deferred.Resolve(values)
	if err != nil {
		return s, err
	}
	if t.Skip = skip; skip == "" {
		t.Executor = executor
	}
	s.Task = &t
	return s, nil
}

// masked returns a step's end with messages that tell no secret.
func (r *run) masked(result task.Result) task.Result {
	result.Message = r.masks.Text(result.Message)
	result.Targets = slices.Clone(result.Targets)
	for t := range result.Targets {
		result.Targets[t].Message = r.masks.Text(result.Targets[t].Message)
	}
	return result
}

func (r *run) end(i int, s StepResult) {
	s.Result = r.masked(s.Result)
	r.results[i], r.done[i] = s, true
	if s.Reason == ReasonNotNeeded && s.Step.Stage == task.AtRollback {
		return // nobody waits for it
	}
	r.emit(StepEnded{Time: s.End, Step: s.Step, Result: s})
	if s.State.Good() || s.State == task.NotRun || s.Tolerated() || r.firstFailed != "" {
		return
	}
	r.firstFailed, r.cancelled = s.Step.Title(), s.State == task.Cancelled
}

// notRunReason says why a step's turn did not come: what it needs did not succeed, else the run was cancelled, else what
// failed first has stopped the run.
func (r *run) notRunReason(ctx context.Context, s plan.Step) string {
	because, cancelled := r.firstFailed, ctx.Err() != nil && r.cancelled
	if blocking := r.blocking(s, map[string]bool{}); blocking != nil {
		because, cancelled = blocking.Step.Title(), cancelled && blocking.State == task.Cancelled
	}
	switch {
	case cancelled, because == "" && ctx.Err() != nil:
		return "not run because the run was cancelled"
	case because == "":
		return fmt.Sprintf("not run: %v did not succeed", s.Needs)
	}
	return fmt.Sprintf("not run because %q did not succeed", because)
}

// blocking returns the end of the step that keeps s from running: one that s needs, or that what it needs does;
// nil when there is none.
func (r *run) blocking(s plan.Step, seen map[string]bool) *StepResult {
	for _, need := range s.Needs {
		i, ok := r.place[need]
		if !ok || seen[need] {
			continue
		}
		seen[need] = true
		switch end := &r.results[i]; {
		case !r.done[i] || end.State == task.NotRun:
			if blocking := r.blocking(r.plan.Steps[i], seen); blocking != nil {
				return blocking
			}
		case !end.State.Good() && !end.Tolerated():
			return end
		}
	}
	return nil
}

func (r *run) emit(e Event) {
	if r.engine.Emit == nil {
		return
	}
	r.emitting.Lock()
	defer r.emitting.Unlock()
	r.engine.Emit(e)
}
