package task

import "strings"

// Wait waits until an object is in a certain state.
type Wait struct {
	// Object is KIND/NAME, with any of kubectl's names for the kind.
	Object string
	// For is "ready" (also when empty), "deleted", "condition=NAME[=VALUE]" or
	// "jsonpath=EXPRESSION[=VALUE]".
	For string
}

// Kind returns "wait".
func (Wait) Kind() string { return "wait" }

// Argv returns the object and the state.
func (w Wait) Argv() []string { return []string{w.Object, w.For} }

// Text returns the object and the state.
func (w Wait) Text() string { return strings.TrimSpace(w.Object + " " + w.For) }

func (Wait) executor() {}
