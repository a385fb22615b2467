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

// executors are the types of the executors that an undo can have, by their kind.
var executors = func() map[string]reflect.Type {
	types := map[string]reflect.Type{}
	for _, e := range []task.Executor{
		task.Host{}, task.Exec{}, task.Pod{}, task.Job{}, task.Function{}, task.Clone{}, task.Wait{}, task.Approve{},
	} {
		types[e.Kind()] = reflect.TypeOf(e)
	}
	return types
}()

// encodeTask returns a task as JSON, as far as it is needed to run it later.
func encodeTask(t task.Task) (json.RawMessage, error) {
	executor, err := json.Marshal(t.Executor)
	if err != nil {
		return nil, err
	}
	return json.Marshal(storedTask{t.Name, t.Executor.Kind(), executor, t.Policy})
}

// UndoTask returns the undo of the task. It is not trusted: anyone with the right to write Secrets could have written it. The
// error names source, the document that holds the entry.
func (d Entry) UndoTask(source string) (task.Task, error) {
	var s storedTask
	if err := json.Unmarshal(d.Undo, &s); err != nil {
		return task.Task{}, fmt.Errorf("the undo of task %q in the %s: %w", d.Task, source, err)
	}
	kind, ok := executors[s.Kind]
	if !ok {
		return task.Task{}, fmt.Errorf("the undo of task %q in the %s is a %q, which this version does not know", d.Task, source, s.Kind)
	}
	executor := reflect.New(kind)
	if err := json.Unmarshal(s.Executor, executor.Interface()); err != nil {
		return task.Task{}, fmt.Errorf("the undo of task %q in the %s: %w", d.Task, source, err)
	}
	return task.Task{
		Name: s.Name, Executor: executor.Elem().Interface().(task.Executor), Policy: s.Policy,
		Position: task.Position{File: source}, Source: task.Source{Name: source, Format: "record"},
	}, nil
}
