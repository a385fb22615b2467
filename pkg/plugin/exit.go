package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/ready"
	checks "github.com/kubectl-tasks/kubectl-tasks/pkg/preflight"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/helm"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The exit codes of the program.
const (
	exitFailed        = 1   // a task or the release failed
	exitUsage         = 3   // usage or definition error; nothing was touched
	exitPreflight     = 4   // forbidden, or a check failed before anything was touched
	exitUnknown       = 5   // nobody saw how it ended
	exitRolledBack    = 6   // failed, and rolled back
	exitNotRolledBack = 7   // failed, and so did the rollback
	exitLocked        = 8   // another run has the lock
	exitTimeout       = 124 // a time limit passed
	exitSIGINT        = 130
	exitSIGTERM       = 143
)

// Interrupted is the cause of a run that a signal cancelled.
type Interrupted struct{ Signal os.Signal }

// Error names the signal.
func (i Interrupted) Error() string { return "stopped by " + i.Signal.String() }

// ExitCode is 130 after SIGINT and 143 after SIGTERM.
func (i Interrupted) ExitCode() int {
	if i.Signal == syscall.SIGTERM {
		return exitSIGTERM
	}
	return exitSIGINT
}

// usageError is about the command line or a definition; nothing was touched.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// refusedError is a check that failed before anything was touched.
type refusedError struct{ message string }

func (e refusedError) Error() string { return e.message }

// runError is the end of a run that did not succeed.
type runError struct {
	code int
	err  error
}

func (e runError) Error() string { return e.err.Error() }
func (e runError) Unwrap() error { return e.err }

// silentError has an exit code and nothing to say: what there was to say was said.
type silentError struct{ code int }

func (e silentError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// ExitCode returns the exit code for an error; 0 for nil. It looks at types only, never at text. What is known of a
// run when it has ended, failureCode has turned into a runError.
func ExitCode(err error) int {
	var (
		silent      silentError
		run         runError
		usage       usageError
		interrupted Interrupted
		refused     refusedError
		denied      checks.RefusedError
		preflight   *release.PreflightError
		diagnostics task.Diagnostics
		diagnostic  task.Diagnostic
	)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &silent):
		return silent.code
	case errors.As(err, &run):
		return run.code
	case isLocked(err):
		return exitLocked
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &refused), errors.As(err, &denied), errors.As(err, &preflight):
		return exitPreflight
	case errors.As(err, &interrupted):
		return interrupted.ExitCode()
	case errors.As(err, &diagnostics), errors.As(err, &diagnostic):
		return exitUsage
	}
	return exitFailed
}

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
		return exitPreflight
	case slices.ContainsFunc(result.Steps, late):
		return exitTimeout
	}
	return exitFailed
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

// interruption returns the exit code of the signal that cancelled ctx; false when none did.
func interruption(ctx context.Context) (int, bool) {
	if interrupted, ok := errors.AsType[Interrupted](context.Cause(ctx)); ok {
		return interrupted.ExitCode(), true
	}
	return 0, false
}
