package expression

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Facts are what expressions can refer to.
type Facts struct {
	// Operation is the variable "operation".
	Operation task.Operation
	// Phase is the variable "phase": the phase of the task.
	Phase task.Phase
	// Release and Namespace are release.name and release.namespace.
	Release, Namespace string
	// Params are params.NAME.
	Params map[string]string
	// Values returns the values of the release; nil when there is no release. It is called when an expression refers to
	// them.
	Values func() (map[string]any, error)
	// Getenv looks up a variable of the environment when an expression refers to env.NAME; nil when there are none.
	Getenv func(string) (string, bool)
	// Deferred are tasks.NAME and run. Expressions that refer to them can be evaluated only during the run.
	Deferred task.Values
}

// variables returns the variables for an expression with these references.
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
		return nil, errors.New("there is no release to read values from; name one")
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

// missing explains why an evaluation may have failed: it reads an output of a task that has none.
func (f Facts) missing(refer References) string {
	for _, read := range refer.Tasks {
		ended := f.Deferred.Tasks[read.Task]
		if _, has := ended.Outputs[read.Output]; read.Output != "" && !has && ended.State != "" && ended.State != task.Succeeded {
			return fmt.Sprintf("; task %q has no outputs, it is %s", read.Task, ended.State)
		}
	}
	return ""
}

// Check returns an error when deferred expressions read a value of the release, or a variable of the environment, that does
// not exist.
func (f Facts) Check(refer References) error {
	variables, err := f.variables(refer)
	if err != nil {
		return err
	}
	for _, path := range refer.unconditional {
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
