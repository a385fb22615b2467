package task

import "time"

// Policy sets the time limits and retries of a task, and what its failure does to the run. Undos are recorded with it: the
// names of its fields are stored.
type Policy struct {
	// Timeout limits one attempt; 0 means no limit of its own.
	Timeout time.Duration
	// TotalTimeout limits all attempts and the pauses between them; 0 means no limit.
	TotalTimeout time.Duration
	// IdleTimeout limits the time in which an attempt prints nothing; 0 means no limit.
	IdleTimeout time.Duration
	// Retries is the number of attempts after a failed one. An attempt with an unknown result is retried only when the task
	// is Idempotent.
	Retries int
	// Backoff is the pause before the first retry. It doubles with each retry, up to MaxBackoff. 0 means DefaultBackoff.
	Backoff time.Duration
	// Idempotent reports that the task can safely run twice.
	Idempotent bool
	// OnFailure is the effect of a failure on the run.
	OnFailure FailurePolicy
}

const (
	// DefaultBackoff is the pause before the first retry when the task sets none.
	DefaultBackoff = time.Second
	// MaxBackoff is the longest pause between two attempts.
	MaxBackoff = 5 * time.Minute
)

// FailurePolicy is the effect of a task's failure on the run.
type FailurePolicy string

const (
	// Fail stops the run: running tasks finish and no new task starts. It is the default.
	Fail FailurePolicy = ""
	// Warn records the failure, repeats it at the end of the run, and continues. The run succeeds.
	Warn FailurePolicy = "warn"
	// Continue records the failure and continues as if the task had succeeded.
	Continue FailurePolicy = "continue"
	// RollBack stops the run as Fail does, and rolls the release back.
	RollBack FailurePolicy = "rollback"
)

// Tolerates reports whether the run continues after a failure.
func (p FailurePolicy) Tolerates() bool { return p == Warn || p == Continue }
