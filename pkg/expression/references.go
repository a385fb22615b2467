package expression

import (
	"errors"
	"fmt"

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
}

// Late reports whether the expressions can be evaluated only while the run goes on.
func (r References) Late() bool { return r.Run || len(r.Tasks) > 0 }

// Of returns what a condition refers to, and an error when it is none.
func Of(condition string) (References, error) {
	_, compiled, err := compile(condition)
	if err != nil {
		return References{}, err
	}
	r, err := references(compiled)
	if err != nil {
		return r, fmt.Errorf("%q: %w", condition, err)
	}
	return r, nil
}

// In returns what the expressions of a text refer to; see Expand.
func In(text string) (References, error) {
	var all References
	err := split(text, func(string) error { return nil }, func(expression string) error {
		r, err := Of(expression)
		all.Tasks = append(all.Tasks, r.Tasks...)
		all.Env = append(all.Env, r.Env...)
		all.Params = append(all.Params, r.Params...)
		all.Run = all.Run || r.Run
		return err
	})
	return all, err
}

func references(compiled *cel.Ast) (References, error) {
	var r References
	var err error
	for _, node := range ast.MatchDescendants(ast.NavigateAST(compiled.NativeRep()), ast.KindMatcher(ast.IdentKind)) {
		switch node.AsIdent() {
		case "run":
			r.Run = true
		case "values":
			r.values = true
		case "params":
			if name, whole, ok := member(node); ok && !isTest(whole) {
				r.Params = append(r.Params, name)
			}
		case "env":
			if name, _, ok := member(node); ok {
				r.Env = append(r.Env, name)
			} else {
				err = fmt.Errorf("write env.NAME: which variables are read must be known before")
			}
		case "tasks":
			name, at, ok := member(node)
			if !ok {
				err = fmt.Errorf(`write tasks.NAME or tasks["NAME"]: which tasks are meant must be known before`)
				break
			}
			read := task.Read{Task: name}
			if field, outputs, ok := member(at); ok && field == "outputs" {
				if output, whole, ok := member(outputs); ok && !isTest(whole) {
					read.Output = output
				}
			}
			r.Tasks = append(r.Tasks, read)
		}
	}
	return r, err
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
		"run":       map[string]string{"status": string(f.Late.Run)},
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
	tasks := map[string]map[string]any{}
	for _, read := range refer.Tasks {
		ended := f.Late.Tasks[read.Task]
		outputs := map[string]any{}
		for name, o := range ended.Outputs {
			outputs[name] = o.Value
		}
		tasks[read.Task] = map[string]any{"status": string(ended.State), "outputs": outputs}
		if ended.ExitCode != nil {
			tasks[read.Task]["exitCode"] = *ended.ExitCode
		}
	}
	variables["tasks"] = tasks
	return variables, nil
}

// missing explains why an evaluation may have failed: an output of a task that has none.
func (f Facts) missing(refer References) string {
	for _, read := range refer.Tasks {
		ended := f.Late.Tasks[read.Task]
		if _, has := ended.Outputs[read.Output]; read.Output != "" && !has && ended.State != "" && ended.State != task.Succeeded {
			return fmt.Sprintf("; task %q has no outputs, it is %s", read.Task, ended.State)
		}
	}
	return ""
}
