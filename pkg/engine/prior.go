package engine

import (
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Prior is what earlier processes of a run are known to have done of a step. The zero value is nothing.
type Prior struct {
	// StepResult is how it ended; its State is empty when the end was not recorded, and its Step is
	// not used.
	StepResult

	// Attempt is the number of the attempt that was started last; 0 when none was.
	Attempt int
}

// final reports whether the step's end counts: a success, a failure that is tolerated, and an end that
// nobody saw of a task that must not run twice. What failed or was stopped is tried again.
func (e Prior) final(s plan.Step) bool {
	switch e.State {
	case task.Succeeded:
		return true
	case task.Unknown:
		return s.Task != nil && !s.Task.Idempotent
	case task.Failed:
		return e.result(s).Tolerated()
	case task.Skipped, task.Cancelled, task.NotRun:
	}
	return false
}

// result is the step's end as one of this run.
func (e Prior) result(s plan.Step) StepResult {
	r := e.StepResult
	r.Step, r.Prior = s, true
	return r
}

// nextAttempt is the attempt to make now.
func (e Prior) nextAttempt(s plan.Step) Attempt {
	if e.Attempt > 0 && e.State == "" {
		return Attempt{Step: s, Number: e.Attempt, Resumed: true}
	}
	return Attempt{Step: s, Number: e.Attempt + 1}
}

// atEnd reports whether a step belongs to an end of the run: each end that is reached with something new before it has
// its own.
func atEnd(s plan.Step) bool { return s.Stage == task.AtFailure || s.Stage == task.AtEnd }

// prior is what is known of a step that is about to start. What ran at an earlier end of the run runs again when this
// process has done anything since, and otherwise only if it has not ended well. One that may still run, or whose end
// nobody saw, is the same attempt in any case.
func (r *run) prior(s plan.Step) Prior {
	e := r.engine.Prior[s.ID]
	if atEnd(s) && r.worked.Load() && e.State != "" && e.State != task.Unknown {
		e.StepResult = StepResult{Result: task.Result{State: task.NotRun}}
	}
	return e
}

// resumeRollback is for a run whose earlier process had begun to roll back: nothing of what was before that is
// tried again. It ends those steps as they had ended, and returns the title of the first that failed; ""
// when there was no such beginning.
func (r *run) resumeRollback() string {
	back := func(s plan.Step) bool { return s.Stage == task.AtRollback && r.engine.Prior[s.ID].Attempt > 0 }
	if !slices.ContainsFunc(r.plan.Steps, back) {
		return ""
	}
	r.rollingBack = true
	for i, s := range r.plan.Steps {
		earlier := r.engine.Prior[s.ID]
		switch {
		case s.Stage > task.After:
		case earlier.State != "":
			r.end(i, earlier.result(s))
		case earlier.Attempt > 0:
			r.end(i, StepResult{Step: s, Prior: true, Result: task.Result{State: task.Unknown, Reason: "NotSeen", Message: "its end was not seen"}})
		default:
			r.end(i, notRun(s, "not run: the run is being rolled back"))
		}
	}
	if r.firstFailed == "" {
		r.firstFailed = "the run"
	}
	return r.firstFailed
}
