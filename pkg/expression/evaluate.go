package expression

import (
	"errors"
	"fmt"
	"reflect"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"google.golang.org/protobuf/types/known/structpb"
)

// costLimit limits the cost of an evaluation: far more than a condition needs, and less than a second.
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

// Bool returns the value of a condition.
func Bool(condition string, facts Facts) (bool, error) {
	value, err := evaluate(condition, facts)
	if err != nil {
		return false, err
	}
	result, ok := value.(bool)
	if !ok {
		return false, fmt.Errorf("%q is not a condition: its value is %v, not true or false", condition, value)
	}
	return result, nil
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

// jsonType is the type that every JSON value can be converted to.
var jsonType = reflect.TypeFor[*structpb.Value]()

// firstIssue returns the first error of the compiler, without its drawing of the source.
func firstIssue(issues *cel.Issues) error {
	for _, e := range issues.Errors() {
		return errors.New(e.Message)
	}
	return issues.Err()
}
