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

// timedOut reports whether an error is a passed time limit, either our own or that of a wait of Helm.
func timedOut(err error) bool {
	var timeout helm.TimeoutError
	var notReady *ready.NotReadyError
	var notGone *ready.NotDeletedError
	return errors.As(err, &timeout) || errors.As(err, &notGone) || errors.As(err, &notReady) && notReady.Waited > 0
}

// failed reports whether a step is a reason for the failure of its run.
func failed(s engine.StepResult) bool { return s.State == task.Failed && !s.Tolerated() }

// failureCode returns the exit code of a run that failed: 4 if it was refused before any change, 124 if a time limit ended
// it, else 1. applyError is the error of Helm's part.
func failureCode(result engine.Result, applyError error) int {
	late := func(s engine.StepResult) bool {
		return failed(s) && (s.Reason == engine.ReasonTimeout || s.Reason == helm.Reason && timedOut(applyError))
	}
	changed := func(s engine.StepResult) bool { return !unchanging(s, applyError) }
	switch {
	case !slices.ContainsFunc(result.Steps, changed):
		return ExitPreflight
	case slices.ContainsFunc(result.Steps, late):
		return ExitTimeout
	}
	return ExitFailed
}

// refusals are the reasons of tasks that failed because the server refused to create the object that they run in, or does
// not have it.
var refusals = []string{"NotCreated", "Pods", "Template", "Service", "Definition", "Function", "Advanced"}

// unchanging reports whether a step is known to have changed nothing.
func unchanging(s engine.StepResult, applyError error) bool {
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
