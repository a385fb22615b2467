package preflight

// RefusedError is the error of a check that failed before anything was changed.
type RefusedError struct{ Message string }

// Error returns the message.
func (e RefusedError) Error() string { return e.Message }
