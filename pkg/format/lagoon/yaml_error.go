package lagoon

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// errorText returns the message of a JSON error without its prefixes.
func errorText(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "error unmarshaling JSON: "), "while decoding JSON: ")
}

var (
	errorLine = regexp.MustCompile(`line (\d+)`)
	// errorHead matches the prefixes that the parsers add to a message.
	errorHead = regexp.MustCompile(`^(error converting YAML to JSON: )?(yaml: )?(line \d+: )?`)
)

// syntax returns the message of a YAML error without its position.
func syntax(err error) string { return errorHead.ReplaceAllString(err.Error(), "") }

// lineOf returns the line in a YAML error; 0 when there is none.
func lineOf(err error) int {
	line := 0
	if m := errorLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	return line
}

// errorPosition returns the position of a YAML error.
func (p *parser) errorPosition(err error) task.Position {
	return task.Position{File: p.opts.Source.Name, Line: lineOf(err)}
}
