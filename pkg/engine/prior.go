package engine

import (
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Prior is the known work of earlier processes on a step. The zero value means none.
type Prior struct {
	// StepResult is the recorded result. Its State is empty when no result was recorded. Its Step is not used.
	StepResult

	// Attempt is the number of the attempt that was started last; 0 means none.
	Attempt int
}

// final reports whether the step keeps its recorded result: a success, a tolerated failure, or an unknown result of a task
// that is not idempotent. A step that failed or was cancelled is tried again.
func (p Prior) final(s plan.Step) bool {
	switch p.State {
	case task.Succeeded:
		return true
	case task.Unknown:
		return s.Task != nil && !s.Task.Idempotent
	case task.Failed:
		return p.result(s).Tolerated()
	case task.Skipped, task.Cancelled, task.NotRun:
	}
	return false
}

// result returns the recorded result as a result of this run.
func (p Prior) result(s plan.Step) StepResult {
	r := p.StepResult
	r.Step, r.Prior = s, true
	return r
}

// nextAttempt returns the attempt to make now.
func (p Prior) nextAttempt(s plan.Step) Attempt {
	if p.Attempt > 0 && p.State == "" {
		return Attempt{Step: s, Number: p.Attempt, Resumed: true}
	}
	return Attempt{Step: s, Number: p.Attempt + 1}
}

// atEnd reports whether a step belongs to an end of the run. A run that is resumed can reach its end several times, and
// each time after new work the steps of the end run again.
func atEnd(s plan.Step) bool { return s.Stage == task.AtFailure || s.Stage == task.AtEnd }

// prior returns the known work on a step that is about to start. A step that ran at an earlier end of the run runs again
// when this process has done anything since, and otherwise only when it has not succeeded. A step that may still run, or
// whose result is unknown, keeps its attempt in any case.
func (r *run) prior(s plan.Step) Prior {
	p := r.engine.Prior[s.ID]
	if atEnd(s) && r.worked.Load() && p.State != "" && p.State != task.Unknown {
		p.StepResult = StepResult{Result: task.Result{State: task.NotRun}}
	}
	return p
}

// resumeRollback handles a run whose earlier process had started the rollback: no step before the rollback is tried again,
// and each keeps its recorded result. It returns the title of the first of them that failed; "" when no rollback had been
// started.
func (r *run) resumeRollback() string {
	started := func(s plan.Step) bool { return s.Stage == task.AtRollback && r.engine.Prior[s.ID].Attempt > 0 }
	if !slices.ContainsFunc(r.plan.Steps, started) {
		return ""
	}
	r.rollingBack = true
	for i, s := range r.plan.Steps {
		prior := r.engine.Prior[s.ID]
		switch {
		case s.Stage > task.After:
		case prior.State != "":
			r.end(i, prior.result(s))
		case prior.Attempt > 0:
			r.end(i, StepResult{Step: s, Prior: true, Result: task.Result{State: task.Unknown, Reason: "NotSeen", Message: "its end was not observed"}})
		default:
			r.end(i, notRun(s, "not run: the run is being rolled back"))
		}
	}
	if r.firstFailed == "" {
		r.firstFailed = "the run"
	}
	return r.firstFailed
}
