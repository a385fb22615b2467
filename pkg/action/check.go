package action

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	checks "github.com/kubectl-tasks/kubectl-tasks/pkg/preflight"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/approve"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// check refuses an operation that may not run, or cannot succeed. executes is false for a plan and for a dry run, which
// change nothing.
func (o *Operation) check(ctx context.Context, p *prepared, executes bool) error {
	client, steps := p.steps.Client, p.plan
	if executes {
		if err := p.trust(ctx); err != nil {
			return err
		}
		if err := p.checkKeptn(ctx); err != nil {
			return err
		}
		if err := p.mayRun(ctx); err != nil {
			return err
		}
	}
	if p.facts.DryRun || !p.deploys() || o.Resume != nil {
		return nil
	}
	return checks.References(ctx, client, steps, p.change)
}

// mayRun refuses a run with tasks whose user lacks a right. The rights for Helm's part are checked when tasks run before
// it: otherwise Helm's own first request returns the same error.
func (p *prepared) mayRun(ctx context.Context) error {
	steps := p.plan
	if len(steps.Tasks()) == 0 {
		return nil
	}
	wanted := p.rights()
	before := func(s plan.Step) bool { return s.Task != nil && s.Stage == task.Before && s.Task.Skip == "" }
	if slices.ContainsFunc(steps.Steps, before) && p.deploys() {
		// Rendered only for the check: a task may change the chart before the run renders it.
		objects, err := p.change.Render()
		if apierrors.IsForbidden(err) {
			return preflight(ctx, err)
		}
		// Helm itself reports a chart that cannot be rendered yet: a task may fetch its dependencies.
		wanted = checks.WithObjects(wanted, p.steps.Client, objects)
	}
	return p.allowed(ctx, wanted)
}

// allowed refuses a run whose user lacks a right, or whose pods the cluster would not admit.
func (p *process) allowed(ctx context.Context, wanted runner.Rights) error {
	if err := checks.Allowed(ctx, p.steps.Client, p.plan, wanted); err != nil || p.Resume != nil {
		return err
	}
	return checks.Admitted(ctx, p.steps, p.plan)
}

// rights returns the access to the cluster that the plan needs.
func (p *process) rights() runner.Rights {
	return checks.RightsOf(p.plan, p.Record.Place, p.Config.getenv("HELM_DRIVER"))
}

// trust refuses tasks that run on this machine, or read its environment, and come from a source that is not trusted,
// unless an option or the user at the terminal allows them. In a resumed run, all remaining tasks count as not trusted,
// because the record chose them and their arguments.
func (p *process) trust(ctx context.Context) error {
	if p.AllowHostTasks {
		return nil
	}
	tasks := p.plan.Tasks()
	from, hint := "tasks of a ConfigMap, a chart or a record", "if you trust their source, add --allow-host-tasks"
	if p.Resume != nil {
		tasks = p.Resume.open(p.plan)
		from, hint = "tasks that a record chose", "if these are the tasks that you want to run, add --allow-host-tasks"
	}
	lines := checks.Untrusted(tasks)
	if len(lines) == 0 {
		return nil
	}
	for i := range lines {
		lines[i] = shown("%s", lines[i])
	}
	list := strings.Join(lines, "\n")
	if person := p.Config.Person; person.Interactive {
		yes, err := person.Ask(ctx, fmt.Sprintf("%s need access to this machine:\n%s\nAllow it?", strings.ToUpper(from[:1])+from[1:], list))
		if yes || ctx.Err() != nil {
			return err
		}
	}
	return refused(from + " need access to this machine, which is not allowed:\n" + list + "\nhint: " + hint)
}

// confirm asks the questions of tasks that need a confirmation before they run by name.
func (p *process) confirm(ctx context.Context) error {
	for _, t := range p.plan.Tasks() {
		if t.Confirm == "" || t.Skip != "" || p.Yes {
			continue
		}
		if !p.Config.Person.Interactive {
			return refused(shown("task %q asks: %s", t.Name, t.Confirm) + "\nhint: add --yes")
		}
		switch yes, err := p.Config.Person.Ask(ctx, approve.Quoted(t.Confirm)); {
		case ctx.Err() != nil:
			return err
		case !yes:
			return refused(shown("task %q was not confirmed", t.Name))
		}
	}
	return nil
}
