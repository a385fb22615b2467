package lagoon

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/PaesslerAG/gval"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// maxCondition is how long a condition may be, in bytes; deeper nesting than fits into it would
// overflow the parser's stack.
const maxCondition = 4 << 10

// outcome is a condition with its result.
type outcome struct {
	holds bool
	// why tells the condition, its result and what it saw.
	why string
}

// unknownError is a variable that a condition uses and nobody has set.
type unknownError struct{ name string }

// Error is worded as gval words it.
func (e unknownError) Error() string { return "unknown parameter " + e.name }

// condition evaluates an expression as Lagoon does: gval's full language with two functions, on
// variables that are all strings (spec lagoon.md § 2c). It never panics.
type condition struct {
	lookup func(name string) (Variable, bool)
	// seen are the names that were asked for, in their order.
	seen []string
}

// parse checks an expression without any variable.
func (c *condition) parse(expression string) (eval gval.Evaluable, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("parsing error: %v", r)
		}
	}()
	if len(expression) > maxCondition {
		return nil, fmt.Errorf("the condition is longer than %d bytes", maxCondition)
	}
	return c.language().NewEvaluable(expression)
}

// evaluate returns the result of an expression.
func (c *condition) evaluate(expression string) (_ outcome, err error) {
	eval, err := c.parse(expression)
	if err != nil {
		return outcome{}, err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	value, err := eval(context.Background(), nil)
	if err != nil {
		return outcome{}, err
	}
	holds, ok := value.(bool)
	if !ok {
		return outcome{}, notBoolean{value}
	}
	return outcome{holds, c.tell(expression, holds)}, nil
}

type notBoolean struct{ value any }

// Error says what it is instead.
func (e notBoolean) Error() string {
	return fmt.Sprintf("expression doesn't evaluate to a boolean: it is %#v", e.value)
}

// tell words a condition and its result.
func (c *condition) tell(expression string, holds bool) string {
	var saw []string
	told := map[string]bool{}
	for _, name := range c.seen {
		if told[name] {
			continue
		}
		told[name] = true
		if v, ok := c.lookup(name); ok {
			saw = append(saw, name+" is "+v.show())
		} else {
			saw = append(saw, name+" is not set")
		}
	}
	text := fmt.Sprintf("%s is %t", strings.TrimSpace(expression), holds)
	if len(saw) > 0 {
		text += ": " + strings.Join(saw, ", ")
	}
	return text
}

func (c *condition) variable(name string) (string, bool) {
	c.seen = append(c.seen, name)
	v, ok := c.lookup(name)
	return v.Value, ok
}

func (c *condition) language() gval.Language {
	// Further arguments do not count, as in Lagoon (build-deploy-tool internal/tasklib).
	named := func(args []any, use string) (string, error) {
		if len(args) == 0 {
			return "", fmt.Errorf("write %s", use)
		}
		name, ok := args[0].(string)
		if !ok {
			return "", fmt.Errorf("write %s: the name is a string", use)
		}
		return name, nil
	}
	return gval.Full(
		gval.Function("exists", func(args ...any) (any, error) {
			name, err := named(args, `exists("NAME")`)
			if err != nil {
				return nil, err
			}
			_, ok := c.variable(name)
			return ok, nil
		}),
		gval.Function("withDefault", func(args ...any) (any, error) {
			name, err := named(args, `withDefault("NAME", value)`)
			if err != nil {
				return nil, err
			}
			if value, ok := c.variable(name); ok {
				return value, nil
			}
			if len(args) != 2 { // the value counts only when it is the one argument beside the name
				return nil, nil
			}
			return args[1], nil
		}),
		gval.VariableSelector(func(path gval.Evaluables) gval.Evaluable {
			return func(ctx context.Context, parameter any) (any, error) {
				keys, err := path.EvalStrings(ctx, parameter)
				if err != nil {
					return nil, err
				}
				value, ok := c.variable(keys[0])
				if !ok {
					return nil, unknownError{keys[0]}
				}
				if len(keys) > 1 { // a string has no parts
					return nil, unknownError{strings.Join(keys[:2], ".")}
				}
				return value, nil
			}
		}),
	)
}

// when reads the condition of a task. Its error is a finding.
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

var words = regexp.MustCompile(`\b(and|or|not)\b`)

// conditionHint says what was probably meant.
func conditionHint(expression string, err error) string {
	if not, ok := errors.AsType[notBoolean](err); ok {
		if text, isString := not.value.(string); isString && !strings.ContainsAny(expression, " \"`") {
			return fmt.Sprintf("compare it: %s == %q", expression, text)
		}
		return "compare it with something, such as with == \"true\""
	}
	switch {
	case strings.Contains(expression, "'"):
		return `a string is in double quotes or backticks: "main"`
	case words.MatchString(expression):
		return "write && for and, || for or, ! for not"
	}
	return ""
}
