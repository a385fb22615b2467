package action

import (
	"errors"
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/helm"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// timedOut reports whether an error is that a time limit passed, in our words or in those of a wait of Helm's.
func timedOut(err error) bool {
	var timeout helm.TimeoutError
	var notReady *ready.NotReadyError
	var notGone *ready.NotDeletedError
	return errors.As(err, &timeout) || errors.As(err, &notGone) || errors.As(err, &notReady) && notReady.Waited > 0
}

// failed reports whether a step is why its run failed.
func failed(s engine.StepResult) bool { return s.State == task.Failed && !s.Tolerated() }

// failureCode is the exit code of a run that failed, whatever it was started by: 4 when it was refused before it
// touched anything, 124 when a time limit ended it, else 1. applyError is the error of Helm's part.
func failureCode(result engine.Result, applyError error) int {
	late := func(s engine.StepResult) bool {
		return failed(s) && (s.Reason == engine.ReasonTimeout || s.Reason == helm.Reason && timedOut(applyError))
	}
	touched := func(s engine.StepResult) bool { return !untouched(s, applyError) }
	switch {
	case !slices.ContainsFunc(result.Steps, touched):
		return ExitPreflight
	case slices.ContainsFunc(result.Steps, late):
		return ExitTimeout
	}
	return ExitFailed
}

// refusals are the reasons of tasks that failed because the server refused to make what they run in, or has not
// got what they run in.
var refusals = []string{"NotCreated", "Pods", "Template", "Service", "Definition", "Function", "Advanced"}

// untouched reports whether a step is known to have touched nothing.
func untouched(s engine.StepResult, applyError error) bool {
	if s.Prior {
		return false
	}
	switch s.State {
	case task.NotRun, task.Skipped:
		return true
	case task.Succeeded:
		return s.Step.OnlyWaits()
	case task.Failed:
		refused := (*release.PreflightError)(nil)
		return s.Attempts <= 1 && slices.Contains(refusals, s.Reason) || s.Reason == helm.Reason && errors.As(applyError, &refused)
	case task.Cancelled, task.Unknown:
	}
	return false
}
