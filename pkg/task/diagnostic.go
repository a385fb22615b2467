package task

import (
	"cmp"
	"slices"
	"strings"
)

// Severity is Error or Warning.
type Severity string

const (
	// Error makes the document unusable.
	Error Severity = "error"
	// Warning is shown, and the document is used.
	Warning Severity = "warning"
)

// Diagnostic is a finding about a document, at its position.
type Diagnostic struct {
	Position Position
	Severity Severity
	// Task is the name of the task that the finding is about; empty when it is about the document.
	Task string
	// Message says what is wrong, and why, without a full stop.
	Message string
	// Hint says what to write instead; may be empty.
	Hint string
}

// Error returns "file:line:column: message", and the hint on a second line.
func (d Diagnostic) Error() string {
	text := d.Message
	if where := d.Position.String(); where != "" {
		text = where + ": " + text
	}
	if d.Hint != "" {
		text += "\nhint: " + d.Hint
	}
	return text
}

// Diagnostics are the findings about one or more documents.
type Diagnostics []Diagnostic

// Err returns all findings of severity Error as one error, in the order of their positions, or nil when there are none.
func (ds Diagnostics) Err() error {
	var failed Diagnostics
	for _, d := range ds {
		if d.Severity == Error {
			failed = append(failed, d)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	failed.Sort()
	return failed
}

// Error returns the findings, one after another, each on its own line.
func (ds Diagnostics) Error() string {
	lines := make([]string, len(ds))
	for i, d := range ds {
		lines[i] = d.Error()
	}
	return strings.Join(lines, "\n")
}

// Sort sorts the findings by file, line and column.
func (ds Diagnostics) Sort() {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Position.File, b.Position.File),
			cmp.Compare(a.Position.Line, b.Position.Line),
			cmp.Compare(a.Position.Column, b.Position.Column),
		)
	})
}
