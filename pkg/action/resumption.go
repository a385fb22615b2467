package action

import (
	"context"
	"fmt"
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Resumption resumes a recorded run.
type Resumption struct {
	// Run is the record as it was found; the journal has a copy.
	Run *record.Stored
	// Replan resumes the run although the inputs of its plan have changed.
	Replan bool
	// Done and Again are tasks with an unknown result. The user states that they succeeded, or that they can run again.
	Done, Again []string
}

// Interrupted returns the progress of Helm's part of the run.
func (r *Resumption) Interrupted() release.Interrupted {
	return release.Interrupted{Operation: r.Run.Operation, Revision: r.Run.Revision, Target: r.Run.Target, Applied: r.hasApplied()}
}

// created returns the objects that the last attempt of a step created.
func (r *Resumption) created(id string) []task.Object {
	for _, s := range r.Run.Steps {
		if s.ID == id {
			return s.Created
		}
	}
	return nil
}

// priorSteps returns the recorded results of the run, for the engine.
func (r *Resumption) priorSteps() map[string]engine.Prior {
	known := map[string]engine.Prior{}
	for _, s := range r.Run.Steps {
		e := engine.Prior{Attempt: s.Attempt}
		switch {
		case s.Attempt == 0:
			continue
		case slices.Contains(r.Done, s.ID):
			e.State, e.Message = task.Succeeded, "succeeded, as --done states"
		case slices.Contains(r.Again, s.ID):
			e.State = task.Failed
		default:
			e.State, e.ExitCode, e.Reason, e.Message, e.Targets = s.State, s.ExitCode, s.Reason, s.Message, s.Targets
		}
		e.Attempts = s.Attempt
		if s.Start != nil && s.End != nil {
			e.Start, e.End = *s.Start, *s.End
		}
		for name, o := range s.Outputs {
			if e.Outputs == nil {
				e.Outputs = map[string]task.Value{}
			}
			e.Outputs[name] = task.Value{Value: o.Value, Secret: o.Secret}
		}
		known[s.ID] = e
	}
	return known
}

// hasApplied reports whether Helm's part had begun.
func (r *Resumption) hasApplied() bool {
	return slices.ContainsFunc(r.Run.Steps, func(s record.Step) bool { return s.Kind == string(plan.Apply) && s.Attempt > 0 })
}

// open returns the tasks of a plan that are not known to be done, as tasks that are not trusted.
func (r *Resumption) open(p plan.Plan) []task.Task {
	known := r.priorSteps()
	var open []task.Task
	for _, s := range p.Steps {
		if s.Task == nil || known[s.ID].State == task.Succeeded && s.Stage <= task.After { // at the end, it may run again
			continue
		}
		t := *s.Task
		t.Source.Trusted = false
		open = append(open, t)
	}
	return open
}

// documents returns the documents that the run was planned from. They are not trusted: other users may be able to write the
// record.
func (r *Resumption) documents() ([]format.Document, error) {
	var documents []format.Document
	for _, d := range r.Run.Documents {
		text, err := d.Content()
		if err != nil {
			return nil, RefusedError{Message: shown("the record of run %s: %s: %v", r.Run.ID, d.Name, err)}
		}
		documents = append(documents, format.Document{Source: task.Source{Name: d.Name, Format: d.Format}, Text: text})
	}
	return documents, nil
}

// undecided returns an error if a task with an unknown result is not idempotent, and neither Done nor Again names it: the
// run would stop there again. It is checked before the first step. If the run was being rolled back, only the tasks of the
// rollback count.
func (r *Resumption) undecided(c *Config, p plan.Plan) error {
	known := r.priorSteps()
	back := slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Stage == task.AtRollback && known[s.ID].Attempt > 0 })
	var names []string
	for _, s := range p.Steps {
		if known[s.ID].State == task.Unknown && s.Task != nil && !s.Task.Idempotent && (!back || s.Stage > task.After) {
			names = append(names, s.ID)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return RunError{ExitUnknown, fmt.Errorf("run %s cannot be resumed: the result of %s is unknown; nothing was run\n%s", r.Run.ID, tasksNamed(names), c.Decide(r.Run.ID, names))}
}

// removeFinished deletes the objects of steps with a recorded result, which a dead process has left.
func (r *Resumption) removeFinished(ctx context.Context, c *Config, client *kube.Client) {
	for _, s := range r.Run.Steps {
		for _, o := range s.Created {
			if s.State == "" || s.State == task.Unknown || o.Container != "" {
				continue // it may still run, or was not created for the task
			}
			if _, err := client.Remove(ctx, r.Run.ID, o, runner.StopGrace); err != nil {
				c.note(fmt.Sprintf("%s %s in namespace %q is no longer needed, and could not be deleted: %v", o.Kind, o.Name, o.Namespace, err))
			}
		}
	}
}
