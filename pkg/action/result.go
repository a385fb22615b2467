package action

import (
	"context"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	checks "github.com/kubectl-tasks/kubectl-tasks/pkg/preflight"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
)

// Result is the result of an action, or its plan.
type Result struct {
	// ID identifies the run, and Plan is its plan.
	ID   string
	Plan plan.Plan
	// Change is Helm's part, which prints what Helm's own command prints; nil without Helm.
	Change release.Change
	// Untrusted describes the tasks that do not run without AllowHostTasks, a line each.
	Untrusted []string

	// Ran reports that the plan was executed; the fields below are empty otherwise.
	Ran bool
	// Outcome has the result of each step.
	Outcome engine.Result
	// Revision is the number of the revision that Helm created, or removed; 0 when there is none.
	Revision int
	// RolledBack reports that the run failed and was rolled back.
	RolledBack bool
	// ExitCode is the exit code of the run.
	ExitCode int
	// Closing are messages for after the command's own output. Texts from outside are escaped in them.
	Closing []string

	process *process
}

// result returns the result of an action that has not run.
func (p *process) result() *Result {
	r := &Result{ID: p.id, Plan: p.plan, Change: p.change, process: p}
	if !p.AllowHostTasks {
		for _, line := range checks.Untrusted(p.plan.Tasks()) {
			r.Untrusted = append(r.Untrusted, shown("%s", line))
		}
	}
	return r
}

// Report returns the run as -o json shows it.
func (r *Result) Report() *report.Run {
	run := report.NewRun(r.Plan, r.Outcome)
	run.ID, run.Revision, run.ExitCode = r.ID, r.Revision, r.ExitCode
	return run
}

// Roles returns the Roles, as YAML documents, with the rights that the plan needs.
func (r *Result) Roles(ctx context.Context) (string, error) {
	p := r.process
	wanted := p.rights()
	if p.rendered != nil {
		objects, err := p.rendered()
		if err != nil {
			return "", err
		}
		wanted = checks.WithObjects(wanted, p.steps.Client, objects)
	}
	roles, err := checks.Roles(r.Plan, wanted)
	if err != nil {
		return "", err
	}
	return roles, ctx.Err()
}
