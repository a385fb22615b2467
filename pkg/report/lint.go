package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Finding is a diagnostic in the output of lint -o json. Fields are only added.
type Finding struct {
	File     string        `json:"file"`
	Line     int           `json:"line,omitempty"`
	Column   int           `json:"column,omitempty"`
	Severity task.Severity `json:"severity"`
	Task     string        `json:"task,omitempty"`
	Message  string        `json:"message"`
	Hint     string        `json:"hint,omitempty"`
}

// Findings returns the findings of diagnostics, in their order; empty, not nil, if there are none.
func Findings(ds task.Diagnostics) []Finding {
	findings := make([]Finding, len(ds))
	for i, d := range ds {
		findings[i] = Finding{
			File: d.Position.File, Line: d.Position.Line, Column: d.Position.Column,
			Severity: d.Severity, Task: d.Task, Message: d.Message, Hint: d.Hint,
		}
	}
	return findings
}

// LintGitHub writes diagnostics as workflow commands of GitHub Actions, which shows them at their lines.
func LintGitHub(w io.Writer, ds task.Diagnostics) {
	for _, d := range ds {
		text := d.Message
		if d.Hint != "" {
			text += "; " + d.Hint
		}
		var lines []string
		for line := range strings.SplitSeq(text, "\n") {
			lines = append(lines, string(Escape([]byte(line))))
		}
		fmt.Fprintf(w, "::%s file=%s,line=%d,col=%d::%s\n", d.Severity, property.Replace(string(Escape([]byte(d.Position.File)))), d.Position.Line, d.Position.Column, data.Replace(strings.Join(lines, "\n")))
	}
}

// The escapes of GitHub's workflow commands in data and in properties.
var (
	data     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// Lint writes diagnostics as file:line:column: severity: message, which editors can parse, each followed by its
// hint.
func Lint(w io.Writer, ds task.Diagnostics) {
	for _, d := range ds {
		text := fmt.Sprintf("%s: %s: %s", d.Position, d.Severity, d.Message)
		fmt.Fprintf(w, "%s\n", Escape([]byte(text)))
		for line := range strings.SplitSeq(d.Hint, "\n") {
			if line != "" {
				fmt.Fprintf(w, "  hint: %s\n", Escape([]byte(line)))
			}
		}
	}
}
