package task

import "time"

// Sleep waits for a fixed time.
type Sleep struct {
	// For is the time. It is 0 while Written has expressions that are evaluated later.
	For time.Duration
	// Written is the time as the author wrote it, such as "90s".
	Written string
}

// Kind returns "sleep".
func (Sleep) Kind() string { return "sleep" }

// Argv returns the time.
func (s Sleep) Argv() []string { return []string{s.Written} }

// Text returns the time.
func (s Sleep) Text() string { return s.Written }

func (Sleep) executor() {}
