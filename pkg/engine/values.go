package engine

import (
	"maps"
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// resolve returns the step as it is to be executed, or the result of a step that cannot be resolved.
func resolve(s plan.Step, values task.Values) (known plan.Step, end *task.Result) {
	defer func() {
		if p := recover(); p != nil {
			end = panicked(p)
		}
	}()
	known, err := resolved(s, values)
	if err != nil {
		end = &task.Result{State: task.Failed, Reason: "Expression", Message: err.Error()}
	}
	return known, end
}

// resolved returns the step with its deferred fields filled in.
func resolved(s plan.Step, values task.Values) (plan.Step, error) {
	if s.Task == nil || s.Task.Deferred == nil || s.Task.Skip != "" {
		return s, nil
	}
	t := *s.Task
	executor, skip, err := t.Deferred.Resolve(values)
	if err != nil {
		return s, err
	}
	if t.Skip = skip; skip == "" {
		t.Executor = executor
	}
	s.Task = &t
	return s, nil
}

// withUndo returns the step with the undo of its task resolved for this result. Only the undo of a successful task can be
// resolved: it may refer to the outputs of the task.
func withUndo(s plan.Step, values task.Values, result task.Result) (plan.Step, error) {
	if s.Task == nil || s.Task.Undo == nil || s.Task.Undo.Deferred == nil || result.State != task.Succeeded {
		return s, nil
	}
	undo, t := *s.Task.Undo, *s.Task
	known := task.Values{Run: values.Run, Tasks: map[string]task.Outcome{}}
	maps.Copy(known.Tasks, values.Tasks)
	known.Tasks[t.Name] = task.Outcome{State: result.State, ExitCode: result.ExitCode, Outputs: result.Outputs}
	executor, skip, err := undo.Deferred.Resolve(known)
	if err != nil {
		return s, err
	}
	undo.Executor, undo.Skip, undo.Deferred, undo.Reads = executor, skip, nil, nil
	t.Undo = &undo
	s.Task = &t
	return s, nil
}

// values returns what the step's task can refer to when it starts.
func (r *run) values(s plan.Step) task.Values {
	if s.Task == nil || s.Task.Deferred == nil && (s.Task.Undo == nil || s.Task.Undo.Deferred == nil) {
		return task.Values{}
	}
	reads := s.Task.Reads
	if s.Task.Undo != nil {
		reads = slices.Concat(reads, s.Task.Undo.Reads)
	}
	values := task.Values{Run: Result{Steps: r.results}.State(), Tasks: make(map[string]task.Outcome, len(reads))}
	for _, read := range reads {
		ended := task.Outcome{State: task.NotRun}
		if i, ok := r.place[read.Task]; ok && r.done[i] {
			ended = task.Outcome{State: r.results[i].State, ExitCode: r.results[i].ExitCode, Outputs: r.results[i].Outputs}
		}
		values.Tasks[read.Task] = ended
	}
	return values
}
