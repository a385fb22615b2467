// Package expression evaluates the CEL expressions of task files: conditions, and values in texts.
package expression

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Facts are what expressions can refer to.
type Facts struct {
	// Operation is the variable "operation".
	Operation task.Operation
	// Phase is the variable "phase": that of the task.
	Phase task.Phase
	// Release and Namespace are release.name and release.namespace.
	Release, Namespace string
	// Params are params.NAME.
	Params map[string]string
	// Values returns the values of the release; nil when there are none. It is called when an
	// expression refers to them.
	Values func() (map[string]any, error)
	// Getenv looks a variable of the environment up, when an expression refers to env.NAME; nil
	// when there are none.
	Getenv func(string) (string, bool)
	// Deferred are tasks.NAME and run; what refers to them can be evaluated only with it.
	Deferred task.Values
}

// costLimit is how much an expression may compute: far more than a condition needs, and less than
// a second.
const costLimit = 1_000_000

var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.CustomTypeAdapter(adapter{types.DefaultTypeAdapter}),
		cel.Variable("operation", cel.StringType),
		cel.Variable("phase", cel.StringType),
		cel.Variable("release", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("params", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("values", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("env", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("tasks", cel.MapType(cel.StringType, cel.MapType(cel.StringType, cel.DynType))),
		cel.Variable("run", cel.MapType(cel.StringType, cel.StringType)),
	)
})

// Bool returns what a condition says.
func Bool(condition string, facts Facts) (bool, error) {
	value, err := evaluate(condition, facts)
	if err != nil {
		return false, err
	}
	result, ok := value.(bool)
	if !ok {
		return false, fmt.Errorf("%q is no condition: it gives %v, not true or false", condition, value)
	}
	return result, nil
}

// Expand replaces each ${EXPRESSION} of the text by its value; $${ stands for the text ${. A value
// that is no text is written as JSON.
func Expand(text string, facts Facts) (string, error) {
	var b strings.Builder
	err := split(text, func(s string) error {
		b.WriteString(s)
		return nil
	}, func(expression string) error {
		value, err := evaluate(expression, facts)
		if err != nil {
			return err
		}
		shown, err := show(value)
		b.WriteString(shown)
		return err
	})
	if err != nil {
		return "", err
	}
	return b.String(), nil
}

// split takes a text apart into what stands for itself and expressions.
func split(text string, plain, expression func(string) error) error {
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			return plain(text)
		}
		if strings.HasSuffix(before, "$") {
			if err := plain(before[:len(before)-1] + "${"); err != nil {
				return err
			}
			text = rest
			continue
		}
		end := closing(rest)
		if end < 0 {
			return fmt.Errorf("${%s has no end; write $${ for the text itself", rest)
		}
		if err := plain(before); err != nil {
			return err
		}
		if err := expression(rest[:end]); err != nil {
			return fmt.Errorf("%w; for the text itself write $${%s}", err, rest[:end])
		}
		text = rest[end+1:]
	}
}

// closing returns the place of the brace that ends an expression, behind strings and inner braces;
// -1 when there is none.
func closing(text string) int {
	depth, quote := 0, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth == 0:
			return i
		case c == '}':
			depth--
		}
	}
	return -1
}

func compile(text string) (*cel.Env, *cel.Ast, error) {
	env, err := environment()
	if err != nil {
		return nil, nil, err
	}
	ast, issues := env.Compile(text)
	if issues != nil && issues.Err() != nil {
		return nil, nil, fmt.Errorf("%q: %w", text, firstIssue(issues))
	}
	return env, ast, nil
}

func evaluate(text string, facts Facts) (any, error) {
	env, ast, err := compile(text)
	if err != nil {
		return nil, err
	}
	refer, err := references(ast)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	program, err := env.Program(ast, cel.CostLimit(costLimit))
	if err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	variables, err := facts.variables(refer)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	value, _, err := program.Eval(variables)
	if err != nil {
		return nil, fmt.Errorf("%q: %w%s", text, err, facts.missing(refer))
	}
	if types.IsUnknownOrError(value) {
		return nil, fmt.Errorf("%q has no value", text)
	}
	result, err := native(value)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	return result, nil
}

// jsonType is what any value that JSON has can be made.
var jsonType = reflect.TypeFor[*structpb.Value]()

// firstIssue words what the compiler finds first, without its drawing of the place.
func firstIssue(issues *cel.Issues) error {
	for _, e := range issues.Errors() {
		return errors.New(e.Message)
	}
	return issues.Err()
}
