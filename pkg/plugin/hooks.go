package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/hook"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// hookFlags say how the chart's own hooks are run.
type hookFlags struct{ mode string }

func (h *hookFlags) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&h.mode, "hooks", string(release.HooksSerial), "how the chart's own hooks are run: serial (one after another), parallel (those of equal weight at once), helm (by Helm's own code), or none")
}

func (h *hookFlags) validate() error {
	if slices.Contains(release.HookModes(), release.HookMode(h.mode)) {
		return nil
	}
	return usageError{fmt.Errorf("--hooks is serial, parallel, helm or none, not %q", h.mode)}
}

// hookRunner is the engine's runner of the hooks of one event.
type hookRunner struct {
	steps *stepRunner
	hooks map[string]*release.Hook
}

// Run implements engine.Runner.
func (r *hookRunner) Run(ctx context.Context, a engine.Attempt, sink task.Sink) task.Result {
	h := r.hooks[a.ID]
	pods := r.steps.podRunner(a, sink)
	pods.Made = nil // it is Helm's object, not ours
	result := hook.Runner{Cluster: r.steps.client, Pods: pods, Make: h.Create}.Run(ctx, *a.Task, sink)
	h.RecordOutcome(result.State == task.Succeeded)
	return result
}

// runHooks carries out the hooks of an event; it is a release.HookRunner. What they print is shown while they
// run. The error is that of the hook that failed first.
func (r *stepRunner) runHooks(ctx context.Context, event string, hooks []*release.Hook) error {
	runner := &hookRunner{steps: r, hooks: map[string]*release.Hook{}}
	tasks := make([]task.Task, 0, len(hooks))
	for _, h := range hooks {
		timeout, err := h.EffectiveTimeout()
		if err != nil {
			return err
		}
		executor := task.NewHook(h.Kind, h.Name, h.Weight)
		name := strings.TrimSpace(event + " hook " + executor.Object)
		t := task.Task{Name: name, Executor: executor}
		t.Timeout = timeout
		for n := 2; runner.hooks[t.Name] != nil; n++ {
			t.Name = fmt.Sprintf("%s (%d)", name, n)
		}
		runner.hooks[t.Name] = h
		tasks = append(tasks, t)
	}
	rel := plan.Release{Name: r.helmRelease, Namespace: r.namespace}
	p := plan.Hooks(r.operation, rel, event, tasks, r.helm.HookMode() == release.HooksParallel)
	result := engine.Engine{Runner: runner, Emit: r.emitHook, Concurrency: max(1, len(hooks))}.Run(ctx, p)
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
				err = timeoutError{err}
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
