package expression

import (
	"fmt"
	"sync"

	"cel.dev/cel-go/cel"
	"google.golang.org/protobuf/types/known/structpb"
)

// Object is a compiled expression about the variable "object", an object of a cluster as JSON. Its error names the field that
// the object does not have.
type Object func(object map[string]any) (any, error)

var objectEnvironment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(cel.Variable("object", cel.MapType(cel.StringType, cel.DynType)))
})

// CompileObject compiles an expression about an object. The error says what is wrong with the expression.
func CompileObject(text string) (Object, error) {
	env, err := objectEnvironment()
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(text)
	if issues != nil && issues.Err() != nil {
		return nil, fmt.Errorf("%q: %w", text, firstIssue(issues))
	}
	program, err := env.Program(ast, cel.CostLimit(costLimit))
	if err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	return func(object map[string]any) (any, error) {
		value, _, err := program.Eval(map[string]any{"object": object})
		if err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		native, err := value.ConvertToNative(jsonType)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		return native.(*structpb.Value).AsInterface(), nil
	}, nil
}
