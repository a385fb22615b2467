package expression

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// References are what expressions refer to that is not always there.
type References struct {
	// Tasks are the results of tasks, and Run the state of the run: both are known only while it
	// goes on.
	Tasks []task.Read
	Run   bool
	// Env are the names of variables of the environment.
	Env []string
	// Params are the names of parameters.
	Params []string

	values bool
	// certain are the values and variables that are read whatever else is true, as paths: "values", "image", "tag".
	certain [][]string
}

// Deferred reports whether the expressions can be evaluated only while the run goes on.
func (r References) Deferred() bool { return r.Run || len(r.Tasks) > 0 }

// ReferencesOf returns what a condition refers to, and an error when it is none, or when it refers to what can never be.
func ReferencesOf(condition string) (References, error) {
	r, gives, err := of(condition)
	if err == nil && !gives.IsExactType(cel.BoolType) && !gives.IsExactType(cel.DynType) {
		err = fmt.Errorf("%q is no condition: it gives a %s, not true or false", condition, gives)
	}
	return r, err
}

// of returns what an expression refers to, and the type of its value.
func of(text string) (References, *cel.Type, error) {
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

// ReferencesIn returns what the expressions of a text refer to; see Expand.
func ReferencesIn(text string) (References, error) {
	var all References
	err := split(text, func(string) error { return nil }, func(expression string) error {
		r, _, err := of(expression)
		all.Tasks = append(all.Tasks, r.Tasks...)
		all.Env = append(all.Env, r.Env...)
		all.Params = append(all.Params, r.Params...)
		all.certain = append(all.certain, r.certain...)
		all.Run, all.values = all.Run || r.Run, all.values || r.values
		return err
	})
	return all, err
}

// fields are what the variables have that are not made of names of the user's.
var fields = map[string][]string{"release": {"name", "namespace"}, "run": {"status"}}

// ofTask is what tasks.NAME has.
var ofTask = []string{"status", "exitCode", "outputs"}

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
			r.addCertain(node, variable)
		case "params":
			if named {
				r.Params = append(r.Params, name)
			}
		case "env":
			if !named {
				err = fmt.Errorf("write env.NAME: which variables are read must be known before")
				break
			}
			r.Env = append(r.Env, name)
			r.addCertain(node, variable)
		case "tasks":
			if !named {
				err = fmt.Errorf(`write tasks.NAME or tasks["NAME"]: which tasks are meant must be known before`)
				break
			}
			read := task.Read{Task: name}
			field, outputs, ok := member(at)
			if ok && !slices.Contains(ofTask, field) {
				err = unknown("tasks."+name+"."+field, field, ofTask)
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

// unknown says that a variable does not have what it is asked for.
func unknown(path, name string, known []string) error {
	if meant := task.Nearest(name, known); meant != "" {
		return fmt.Errorf("there is no %s; did you mean %q?", path, meant)
	}
	return fmt.Errorf("there is no %s; there are %s", path, strings.Join(known, ", "))
}

// isLocal reports whether a name is that of a macro's own variable, such as x in list.map(x, x + 1).
func isLocal(node ast.NavigableExpr, name string) bool {
	inner := node
	for outer, ok := node.Parent(); ok; outer, ok = outer.Parent() {
		if outer.Kind() == ast.ComprehensionKind {
			c := outer.AsComprehension()
			own := name == c.IterVar() || name == c.IterVar2() || name == c.AccuVar()
			if own && inner.ID() != c.IterRange().ID() && inner.ID() != c.AccuInit().ID() {
				return true
			}
		}
		inner = outer
	}
	return false
}

// addCertain adds the path that begins with a variable, when it is read in any case: neither behind a condition nor
// in has(…) or a macro.
func (r *References) addCertain(node ast.NavigableExpr, variable string) {
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
	r.certain = append(r.certain, path)
}

// Check returns an error when expressions that can be evaluated only while the run goes on read a value of the
// release, or a variable of the environment, that is not there.
func (f Facts) Check(refer References) error {
	variables, err := f.variables(refer)
	if err != nil {
		return err
	}
	for _, path := range refer.certain {
		var at any = variables
		for i, name := range path {
			var found bool
			switch m := at.(type) {
			case map[string]any:
				at, found = m[name]
			case map[string]string:
				at, found = m[name]
			}
			if !found {
				return fmt.Errorf("there is no %s", strings.Join(path[:i+1], "."))
			}
		}
	}
	return nil
}

// member returns the name in node.NAME or node["NAME"], and the expression that this is.
func member(node ast.NavigableExpr) (string, ast.NavigableExpr, bool) {
	parent, ok := node.Parent()
	if !ok {
		return "", nil, false
	}
	switch parent.Kind() {
	case ast.SelectKind:
		return parent.AsSelect().FieldName(), parent, true
	case ast.CallKind:
		call := parent.AsCall()
		if call.FunctionName() != operators.Index || call.Args()[0].ID() != node.ID() {
			break
		}
		if index := call.Args()[1]; index.Kind() == ast.LiteralKind {
			name, isText := index.AsLiteral().Value().(string)
			return name, parent, isText
		}
	default:
	}
	return "", nil, false
}

// isTest reports whether the expression is the inside of has(…).
func isTest(node ast.NavigableExpr) bool {
	return node.Kind() == ast.SelectKind && node.AsSelect().IsTestOnly()
}

// variables are what an expression with these references is evaluated with.
func (f Facts) variables(refer References) (map[string]any, error) {
	variables := map[string]any{
		"operation": string(f.Operation),
		"phase":     string(f.Phase),
		"release":   map[string]string{"name": f.Release, "namespace": f.Namespace},
		"params":    f.Params,
		"env":       map[string]string{},
		"values":    map[string]any{},
		"run":       map[string]string{"status": string(f.Deferred.Run)},
	}
	if f.Params == nil {
		variables["params"] = map[string]string{}
	}
	if refer.values && f.Values == nil {
		return nil, errors.New("there is no release whose values it could be; name one")
	}
	if refer.values {
		values, err := f.Values()
		if err != nil {
			return nil, fmt.Errorf("the release's values: %w", err)
		}
		variables["values"] = values
	}
	env := map[string]string{}
	for _, name := range refer.Env {
		if f.Getenv == nil {
			break
		}
		if value, ok := f.Getenv(name); ok {
			env[name] = value
		}
	}
	variables["env"] = env
	tasks := map[string]any{}
	for _, read := range refer.Tasks {
		ended := f.Deferred.Tasks[read.Task]
		outputs := map[string]any{}
		for name, o := range ended.Outputs {
			outputs[name] = o.Value
		}
		one := map[string]any{"status": string(ended.State), "outputs": outputs}
		if ended.ExitCode != nil {
			one["exitCode"] = *ended.ExitCode
		}
		tasks[read.Task] = one
	}
	variables["tasks"] = tasks
	return variables, nil
}

// missing explains why an evaluation may have failed: an output of a task that has none.
func (f Facts) missing(refer References) string {
	for _, read := range refer.Tasks {
		ended := f.Deferred.Tasks[read.Task]
		if _, has := ended.Outputs[read.Output]; read.Output != "" && !has && ended.State != "" && ended.State != task.Succeeded {
			return fmt.Sprintf("; task %q has no outputs, it is %s", read.Task, ended.State)
		}
	}
	return ""
}
