package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/mask"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// start runs a step in a goroutine of its own, or ends it when there is nothing to run.
func (r *run) start(ctx context.Context, i int) {
	s, began := r.plan.Steps[i], r.engine.Now()
	prior := r.prior(s)
	if !r.undoApplies(s) {
		r.finishWithoutRunner(i, StepResult{Step: s, Result: task.Result{State: task.Skipped, Reason: ReasonNotNeeded, Message: "there is nothing to undo"}})
		return
	}
	if prior.final(s) {
		r.finishWithoutRunner(i, prior.result(s))
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
		result, masked := r.execute(ctx, known, values, prior)
		r.finished <- finishedStep{i, StepResult{Step: s, Result: result, Start: began, End: r.engine.Now(), Masked: masked}}
	}()
}

// undoApplies reports whether the step that s undoes has succeeded. It is true for steps that undo nothing.
func (r *run) undoApplies(s plan.Step) bool {
	i, ok := r.place[s.Undoes]
	return s.Undoes == "" || ok && r.results[i].State == task.Succeeded
}

// panicked is the result of a step that hit a bug of this program. The result of the step is unknown, and the other steps
// continue.
func panicked(p any) *task.Result {
	return &task.Result{State: task.Unknown, Reason: "Panic", Message: fmt.Sprintf("internal error: %v\n%s", p, debug.Stack())}
}

// finishWithoutRunner ends a step that needs no runner.
func (r *run) finishWithoutRunner(i int, result StepResult) {
	go func() { r.finished <- finishedStep{i, result} }()
}

// execute hands the step to the runner. masked reports whether a secret was replaced in its standard output.
func (r *run) execute(ctx context.Context, s plan.Step, values task.Values, prior Prior) (result task.Result, masked bool) {
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
	result = r.masked(r.attempts(s, journal, sink).run(ctx, s, prior))
	masked = shown.Flush()
	data.Flush()
	if journal != nil && result.Reason != ReasonNotRecorded {
		s, err := withUndo(s, values, result)
		if err == nil {
			err = journal.After(StepResult{Step: s, Result: result})
		}
		if err != nil {
			r.warn(s, fmt.Sprintf("its result is not recorded: %v", err))
		}
	}
	result.Tidy()
	return result, masked
}

// attempts returns the attempts of a step of the run.
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

// warn shows a problem that does not change the result of the step.
func (r *run) warn(s plan.Step, text string) {
	r.emit(StepOutput{Step: s, Output: task.Output{Stream: task.Note, Data: r.masks.Bytes([]byte(text + "\n"))}})
}

// masked returns a result whose messages contain no secret.
func (r *run) masked(result task.Result) task.Result {
	result.Message = r.masks.Text(result.Message)
	result.Targets = slices.Clone(result.Targets)
	for t := range result.Targets {
		result.Targets[t].Message = r.masks.Text(result.Targets[t].Message)
	}
	return result
}
