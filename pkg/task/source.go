package task

import "fmt"

// Source is a document with tasks: its name for messages, and whether it is trusted.
type Source struct {
	// Name is the file's path as the user gave it, "standard input", or "configmap/NAME/KEY".
	Name string
	// Format is the name of the file format, such as "draft".
	Format string
	// Trusted is true for files of the user's machine. Tasks of other sources may neither run a program on the machine nor
	// read its environment.
	Trusted bool
}

// Position is a place in a document. Line and Column count from 1, Column in characters; 0 means unknown.
type Position struct {
	File   string
	Line   int
	Column int
}

// String returns file:line:column, without unknown parts.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Errorf returns a Diagnostic of severity Error at this position.
func (p Position) Errorf(format string, args ...any) error {
	return Diagnostic{Position: p, Severity: Error, Message: fmt.Sprintf(format, args...)}
}
