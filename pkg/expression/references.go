package expression

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// References are the references of expressions to what does not always exist.
type References struct {
	// Tasks are the results of tasks, and Run the state of the run. Both are known only during the run.
	Tasks []task.Read
	Run   bool
	// Env are the names of variables of the environment.
	Env []string
	// Params are the names of parameters.
	Params []string

	values bool
	// unconditional are the paths of the values and variables that every evaluation reads, such as "values", "image", "tag".
	unconditional [][]string
}

// Deferred reports whether the expressions can be evaluated only during the run.
func (r References) Deferred() bool { return r.Run || len(r.Tasks) > 0 }

// ReferencesOf returns the references of a condition. The error says that it is not a condition, or refers to something that
// never exists.
func ReferencesOf(condition string) (References, error) {
	r, gives, err := referencesOf(condition)
	if err == nil && !gives.IsExactType(cel.BoolType) && !gives.IsExactType(cel.DynType) {
		err = fmt.Errorf("%q is not a condition: its type is %s, not bool", condition, gives)
	}
	return r, err
}

// referencesOf returns the references of an expression, and the type of its value.
func referencesOf(text string) (References, *cel.Type, error) {
	_, compiled, err := compile(text)
	if err != nil {
		return References{}, nil, err
	}
	r, err := references(compiled)
	if err != nil {
		return r, nil, fmt.Errorf("%q: %w", text, err)
	}
	return r, compiled.OutputType(), nil
}

// ReferencesIn returns the references of the expressions in a text; see Expand.
func ReferencesIn(text string) (References, error) {
	var all References
	err := split(text, func(string) error { return nil }, func(expression string) error {
		r, _, err := referencesOf(expression)
		all.Tasks = append(all.Tasks, r.Tasks...)
		all.Env = append(all.Env, r.Env...)
		all.Params = append(all.Params, r.Params...)
		all.unconditional = append(all.unconditional, r.unconditional...)
		all.Run, all.values = all.Run || r.Run, all.values || r.values
		return err
	})
	return all, err
}

// fields are the fields of variables that have fixed fields.
var fields = map[string][]string{"release": {"name", "namespace"}, "run": {"status"}}

// outcomeFields are the fields of tasks.NAME.
var outcomeFields = []string{"status", "exitCode", "outputs"}

func references(compiled *cel.Ast) (References, error) {
	var r References
	var err error
	for _, node := range ast.MatchDescendants(ast.NavigateAST(compiled.NativeRep()), ast.KindMatcher(ast.IdentKind)) {
		variable := node.AsIdent()
		if isLocal(node, variable) {
			continue
		}
		name, at, named := member(node)
		if known := fields[variable]; known != nil && named && !slices.Contains(known, name) {
			err = unknown(variable+"."+name, name, known)
		}
		switch variable {
		case "run":
			r.Run = true
		case "values":
			r.values = true
			r.addUnconditional(node, variable)
		case "params":
			if named {
				r.Params = append(r.Params, name)
			}
		case "env":
			if !named {
				err = fmt.Errorf("write env.NAME: the names of variables must be known before the run")
				break
			}
			r.Env = append(r.Env, name)
			r.addUnconditional(node, variable)
		case "tasks":
			if !named {
				err = fmt.Errorf(`write tasks.NAME or tasks["NAME"]: the names of tasks must be known before the run`)
				break
			}
			read := task.Read{Task: name}
			field, outputs, ok := member(at)
			if ok && !slices.Contains(outcomeFields, field) {
				err = unknown("tasks."+name+"."+field, field, outcomeFields)
			}
			if ok && field == "outputs" {
				if output, whole, ok := member(outputs); ok && !isTest(whole) {
					read.Output = output
				}
			}
			r.Tasks = append(r.Tasks, read)
		}
	}
	return r, err
}

// unknown returns the error for a field that a variable does not have.
func unknown(path, name string, known []string) error {
	if meant := task.Nearest(name, known); meant != "" {
		return fmt.Errorf("there is no %s; did you mean %q?", path, meant)
	}
	return fmt.Errorf("there is no %s; there are %s", path, strings.Join(known, ", "))
}

// addUnconditional adds the path that begins with a variable, when every evaluation reads it: it is neither behind a
// condition nor in has(…) or a macro.
func (r *References) addUnconditional(node ast.NavigableExpr, variable string) {
	path, at := []string{variable}, node
	for {
		name, next, ok := member(at)
		if !ok {
			break
		}
		if isTest(next) {
			return
		}
		path, at = append(path, name), next
	}
	for inner := at; ; {
		outer, ok := inner.Parent()
		if !ok {
			break
		}
		switch outer.Kind() {
		case ast.ComprehensionKind:
			return
		case ast.CallKind:
			switch call := outer.AsCall(); call.FunctionName() {
			case operators.LogicalAnd, operators.LogicalOr:
				return
			case operators.Conditional:
				if call.Args()[0].ID() != inner.ID() {
					return
				}
			}
		default:
		}
		inner = outer
	}
	r.unconditional = append(r.unconditional, path)
}
