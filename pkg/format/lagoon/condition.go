package lagoon

import (
	"context"
	"fmt"
	"strings"

	"github.com/PaesslerAG/gval"
)

// outcome is a condition with its result.
type outcome struct {
	holds bool
	// reason is the condition with its result and its variables.
	reason string
}

// unknownError is a variable in a condition that is not set.
type unknownError struct{ name string }

// Error has the words of gval.
func (e unknownError) Error() string { return "unknown parameter " + e.name }

type notBoolean struct{ value any }

// Error has the value.
func (e notBoolean) Error() string {
	return fmt.Sprintf("expression doesn't evaluate to a boolean: it is %#v", e.value)
}

// maxCondition limits the length of a condition in bytes. Deeper nesting would overflow the stack of the parser.
const maxCondition = 4 << 10

// condition evaluates an expression as Lagoon does: in gval's full language with two functions, on variables that
// are strings (spec lagoon.md § 2c). It does not panic.
type condition struct {
	lookup func(name string) (Variable, bool)
	// seen are the names of the variables that were looked up, in this order.
	seen []string
}

// parse parses an expression without evaluating it.
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
	return outcome{holds, c.explain(expression, holds)}, nil
}

// explain returns a condition with its result and its variables.
func (c *condition) explain(expression string, holds bool) string {
	var seen []string
	listed := map[string]bool{}
	for _, name := range c.seen {
		if listed[name] {
			continue
		}
		listed[name] = true
		if v, ok := c.lookup(name); ok {
			seen = append(seen, name+" is "+v.show())
		} else {
			seen = append(seen, name+" is not set")
		}
	}
	text := fmt.Sprintf("%s is %t", strings.TrimSpace(expression), holds)
	if len(seen) > 0 {
		text += ": " + strings.Join(seen, ", ")
	}
	return text
}

func (c *condition) variable(name string) (string, bool) {
	c.seen = append(c.seen, name)
	v, ok := c.lookup(name)
	return v.Value, ok
}

func (c *condition) language() gval.Language {
	// Further arguments are ignored, as in Lagoon (build-deploy-tool internal/tasklib).
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
			if len(args) != 2 { // the value counts only when it is the only other argument
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
