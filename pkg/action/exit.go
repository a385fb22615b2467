package action

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/lock"
	checks "github.com/kubectl-tasks/kubectl-tasks/pkg/preflight"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The exit codes of the program (docs/commands.md, ADR 5).
const (
	ExitFailed        = 1   // a task or the release failed
	ExitUsage         = 3   // a usage or definition error; nothing was changed
	ExitPreflight     = 4   // forbidden, or a check failed before anything was changed
	ExitUnknown       = 5   // the result of a task is unknown
	ExitRolledBack    = 6   // failed, and rolled back
	ExitNotRolledBack = 7   // failed, and the rollback failed too
	ExitLocked        = 8   // another run has the lock
	ExitTimeout       = 124 // a time limit passed
	ExitSIGINT        = 130
	ExitSIGTERM       = 143
)

// Interrupted is the cause of the cancellation of a run that a signal stopped.
type Interrupted struct{ Signal os.Signal }

// Error names the signal.
func (i Interrupted) Error() string { return "stopped by " + i.Signal.String() }

// ExitCode is 130 after SIGINT and 143 after SIGTERM.
func (i Interrupted) ExitCode() int {
	if i.Signal == syscall.SIGTERM {
		return ExitSIGTERM
	}
	return ExitSIGINT
}

// UsageError is an error in the command line or in a definition; nothing was changed.
type UsageError struct{ Err error }

// Error returns the message of the error.
func (e UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the error.
func (e UsageError) Unwrap() error { return e.Err }

// Usage returns err as a usage error.
func Usage(err error) error { return UsageError{err} }

// RefusedError is a check that failed before anything was changed.
type RefusedError = checks.RefusedError

// refused returns a RefusedError with that message.
func refused(message string) error { return RefusedError{Message: message} }

// RunError is the end of a run that did not succeed, with its exit code.
type RunError struct {
	Code int
	Err  error
}

// Error returns the message of the error.
func (e RunError) Error() string { return e.Err.Error() }

// Unwrap returns the error.
func (e RunError) Unwrap() error { return e.Err }

// SilentError is an exit code without a message, for errors that the output already shows.
type SilentError struct{ Code int }

// Error names the exit code.
func (e SilentError) Error() string { return fmt.Sprintf("exit code %d", e.Code) }

// ExitCode returns the exit code for an error; 0 for nil. It depends only on types, never on texts. failureCode returns the
// code for a run that failed.
func ExitCode(err error) int {
	var (
		silent      SilentError
		interrupted Interrupted
		run         RunError
		usage       UsageError
		refused     RefusedError
		preflight   *release.PreflightError
		diagnostics task.Diagnostics
		diagnostic  task.Diagnostic
	)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &silent):
		return silent.Code
	case errors.As(err, &run):
		return run.Code
	case isLocked(err):
		return ExitLocked
	case errors.As(err, &usage):
		return ExitUsage
	case errors.As(err, &refused), errors.As(err, &preflight):
		return ExitPreflight
	case errors.As(err, &interrupted):
		return interrupted.ExitCode()
	case errors.As(err, &diagnostics), errors.As(err, &diagnostic):
		return ExitUsage
	}
	return ExitFailed
}

// isLocked reports whether a run ended because another one has the lock.
func isLocked(err error) bool {
	var locked *lock.LockedError
	return errors.As(err, &locked) || errors.Is(err, lock.ErrLost) || errors.Is(err, record.ErrTakenOver)
}

// preflight marks an error as one from before any change.
func preflight(ctx context.Context, err error) error {
	var usage UsageError
	if errors.As(err, &usage) || ctx.Err() != nil {
		return err
	}
	return &release.PreflightError{Err: err}
}

// interruption returns the exit code of the signal that cancelled ctx; false when no signal did.
func interruption(ctx context.Context) (int, bool) {
	if interrupted, ok := errors.AsType[Interrupted](context.Cause(ctx)); ok {
		return interrupted.ExitCode(), true
	}
	return 0, false
}
