package ledger

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// storedTask is a task in a ledger.
type storedTask struct {
	Name     string          `json:"name"`
	Kind     string          `json:"kind"`
	Executor json.RawMessage `json:"executor"`
	Policy   task.Policy     `json:"policy"`
}

// encodeTask returns a task as JSON, as far as it is needed to run it later.
func encodeTask(t task.Task) (json.RawMessage, error) {
	executor, err := json.Marshal(t.Executor)
	if err != nil {
		return nil, err
	}
	return json.Marshal(storedTask{t.Name, t.Executor.Kind(), executor, t.Policy})
}

// UndoTask returns the undo of the task. It is not trusted: anyone with the right to write Secrets could have written it.
// executor returns a value of the type of a kind's executor, see runner.TypeOf. The error names source, the document that
// holds the entry.
func (d Entry) UndoTask(source string, executor func(kind string) (task.Executor, bool)) (task.Task, error) {
	var s storedTask
	if err := json.Unmarshal(d.Undo, &s); err != nil {
		return task.Task{}, fmt.Errorf("the undo of task %q in the %s: %w", d.Task, source, err)
	}
	zero, ok := executor(s.Kind)
	if !ok {
		return task.Task{}, fmt.Errorf("the undo of task %q in the %s has the executor %q, which this version does not support", d.Task, source, s.Kind)
	}
	value := reflect.New(reflect.TypeOf(zero))
	if err := json.Unmarshal(s.Executor, value.Interface()); err != nil {
		return task.Task{}, fmt.Errorf("the undo of task %q in the %s: %w", d.Task, source, err)
	}
	return task.Task{
		Name: s.Name, Executor: value.Elem().Interface().(task.Executor), Policy: s.Policy,
		Position: task.Position{File: source}, Source: task.Source{Name: source, Format: "record"},
	}, nil
}
