package task

import "time"

// Policy says what to do when a task takes too long or fails.
type Policy struct {
	// Timeout is how long one attempt may take; 0 is no limit of its own.
	Timeout time.Duration
	// TotalTimeout is how long all attempts and the pauses between them may take; 0 is no limit.
	TotalTimeout time.Duration
	// IdleTimeout is how long an attempt may print nothing; 0 is no limit.
	IdleTimeout time.Duration
	// Retries is how often a failed attempt is followed by another. An attempt whose end nobody
	// saw is followed by one only when the task is Idempotent.
	Retries int
	// Backoff is the pause before the first retry; it doubles with each, up to MaxBackoff. 0
	// means DefaultBackoff.
	Backoff time.Duration
	// Idempotent reports that running the task twice does no harm.
	Idempotent bool
	// OnFailure says what a failure does to the rest of the run.
	OnFailure FailurePolicy
}

const (
	// DefaultBackoff is the pause before the first retry of a task that names none.
	DefaultBackoff = time.Second
	// MaxBackoff is the longest pause between two attempts.
	MaxBackoff = 5 * time.Minute
)

// FailurePolicy says what the failure of a task does to the run.
type FailurePolicy string

const (
	// Fail stops the run: tasks that run already finish, nothing new starts. It is the default.
	Fail FailurePolicy = ""
	// Warn records the failure, says it again at the end, and goes on; the run succeeds.
	Warn FailurePolicy = "warn"
	// Continue records the failure and goes on as if the task had succeeded.
	Continue FailurePolicy = "continue"
	// RollBack stops the run as Fail does, and rolls the release back.
	RollBack FailurePolicy = "rollback"
)

// Tolerates reports whether the run goes on after a failure.
func (p FailurePolicy) Tolerates() bool { return p == Warn || p == Continue }
