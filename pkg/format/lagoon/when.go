package lagoon

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// when evaluates the condition of a task. Errors are findings.
func (p *parser) when(name, expression string, phase task.Phase, at task.Position) outcome {
	if expression == "" {
		return outcome{holds: true}
	}
	c := &condition{lookup: p.lookup}
	if !p.runs(name, phase) {
		if _, err := c.parse(expression); err != nil {
			p.fail(at, name, conditionHint(expression, err), "when of task %q: %v", name, err)
		}
		return outcome{holds: true}
	}
	result, err := c.evaluate(expression)
	if err == nil {
		return result
	}
	if unknown, ok := errors.AsType[unknownError](err); ok {
		p.fail(at, name, fmt.Sprintf("pass --var %s=…, or write exists(%q) && … before it", unknown.name, unknown.name),
			"when of task %q: %v (Lagoon fails the deployment here)", name, err)
		return outcome{}
	}
	p.fail(at, name, conditionHint(expression, err), "when of task %q: %v (Lagoon fails the deployment here)", name, err)
	return outcome{}
}

var wordOperators = regexp.MustCompile(`\b(and|or|not)\b`)

// conditionHint returns a hint for an invalid condition.
func conditionHint(expression string, err error) string {
	if not, ok := errors.AsType[notBoolean](err); ok {
		if text, isString := not.value.(string); isString && !strings.ContainsAny(expression, " \"`") {
			return fmt.Sprintf("compare it: %s == %q", expression, text)
		}
		return "compare it with something, such as with == \"true\""
	}
	switch {
	case strings.Contains(expression, "'"):
		return `write a string in double quotes or backticks: "main"`
	case wordOperators.MatchString(expression):
		return "write && for and, || for or, ! for not"
	}
	return ""
}
