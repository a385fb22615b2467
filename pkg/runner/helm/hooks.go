package helm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/hook"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/job"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Hooks runs the hooks of a chart, each event as a plan of its own.
type Hooks struct {
	Cluster job.Cluster
	// Pods returns how the pods of an attempt are followed.
	Pods func(a engine.Attempt, sink task.Sink) pod.Runner
	// Operation and Release are those of the plan.
	Operation task.Operation
	Release   plan.Release
	// Parallel runs hooks of equal weight at the same time.
	Parallel bool
	// Emit takes the events of the hooks, with what they print; may be nil.
	Emit func(engine.Event)
}

// TimeoutError is the error of a hook whose time limit passed.
type TimeoutError struct{ Err error }

// Error returns the message of the hook.
func (e TimeoutError) Error() string { return e.Err.Error() }

// Unwrap returns the error of the hook.
func (e TimeoutError) Unwrap() error { return e.Err }

// Run runs the hooks of an event; it is a release.HookRunner. The error joins those of the hooks that failed, with a
// TimeoutError for each whose time limit passed.
func (h *Hooks) Run(ctx context.Context, event string, hooks []*release.Hook) error {
	runner := &hookRunner{of: h, hooks: map[string]*release.Hook{}}
	tasks := make([]task.Task, 0, len(hooks))
	for _, one := range hooks {
		timeout, err := one.EffectiveTimeout()
		if err != nil {
			return err
		}
		executor := task.NewHook(one.Kind, one.Name, one.Weight)
		name := strings.TrimSpace(event + " hook " + executor.Object)
		t := task.Task{Name: name, Executor: executor}
		t.Timeout = timeout
		for n := 2; runner.hooks[t.Name] != nil; n++ {
			t.Name = fmt.Sprintf("%s (%d)", name, n)
		}
		runner.hooks[t.Name] = one
		tasks = append(tasks, t)
	}
	p := plan.Hooks(h.Operation, h.Release, event, tasks, h.Parallel)
	result := engine.Engine{Runner: runner, Emit: h.Emit, Concurrency: max(1, len(hooks))}.Run(ctx, p)
	if result.State() == task.Succeeded {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var errs []error
	for _, s := range result.Steps {
		if !s.State.Good() && s.State != task.NotRun {
			err := fmt.Errorf("%s: %s", s.Step.Task.Executor.(task.Hook).Object, strings.TrimSpace(s.Message))
			if s.Reason == engine.ReasonTimeout {
				err = TimeoutError{err}
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// hookRunner is the engine's runner of the hooks of one event.
type hookRunner struct {
	of    *Hooks
	hooks map[string]*release.Hook
}

// Run implements engine.Runner.
func (r *hookRunner) Run(ctx context.Context, a engine.Attempt, sink task.Sink) task.Result {
	h := r.hooks[a.ID]
	pods := r.of.Pods(a, sink)
	pods.Created = nil // the object is Helm's, and is not recorded as the task's
	result := hook.Runner{Cluster: r.of.Cluster, Pods: pods, Make: h.Create}.Run(ctx, *a.Task, sink)
	h.RecordOutcome(result.State == task.Succeeded)
	return result
}
