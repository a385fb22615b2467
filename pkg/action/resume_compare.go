package action

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
)

// compare returns an error with the inputs and steps that have changed since the run was started. next is the revision that
// the run would create, or remove.
func (r *Resumption) compare(inputs map[string]string, p plan.Plan, next int) error {
	if r.Replan {
		return nil
	}
	changes := r.changedInputs(inputs, func(string) bool { return true })
	if p.Operation != r.Run.Operation {
		changes = append(changes, fmt.Sprintf("the operation was %s, and would now be %s", r.Run.Operation, p.Operation))
	}
	// If Helm's part failed, it has already created the planned revision.
	if next != r.Run.Revision && (!r.hasApplied() || next != r.Run.Revision+1) {
		changes = append(changes, fmt.Sprintf("the run was for revision %d of the release, and would now be for %d: the release has changed", r.Run.Revision, next))
	}
	return r.changed(append(changes, r.changedSteps(p)...))
}

// compareChart is compare for the chart and the values, before anything is rendered.
func (r *Resumption) compareChart(inputs map[string]string) error {
	if r.Replan {
		return nil
	}
	return r.changed(r.changedInputs(inputs, func(name string) bool { return slices.Contains(release.InputNames(), name) }))
}

// changed returns an error with the changes; nil without any.
func (r *Resumption) changed(changes []string) error {
	if len(changes) == 0 {
		return nil
	}
	list := make([]string, len(changes))
	for i, change := range changes {
		list[i] = "\n  " + shown("%s", change)
	}
	return RefusedError{Message: fmt.Sprintf("the plan of run %s no longer applies:%s\nhint: --replan resumes the run with these changes; completed steps do not run again", r.Run.ID, strings.Join(list, ""))}
}

// changedInputs returns the inputs of the plan that have changed.
func (r *Resumption) changedInputs(inputs map[string]string, about func(name string) bool) []string {
	var changes []string
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		if before, had := r.Run.Inputs[name]; !had && about(name) {
			changes = append(changes, name+" is new")
		} else if before != inputs[name] && about(name) {
			changes = append(changes, name+" has changed")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Run.Inputs)) {
		if _, has := inputs[name]; !has && about(name) {
			changes = append(changes, name+" no longer exists")
		}
	}
	return changes
}

// changedSteps returns the differences between the steps of the plan and those of the record.
func (r *Resumption) changedSteps(p plan.Plan) []string {
	before := map[string]string{}
	for _, s := range r.Run.Steps {
		before[s.ID] = s.Digest
	}
	var changes []string
	for _, s := range p.Steps {
		digest, had := before[s.ID]
		switch {
		case !had:
			changes = append(changes, fmt.Sprintf("step %q is new", s.ID))
		case digest != digestOf(s):
			text := ""
			if s.Task != nil {
				text = ": " + s.Task.Executor.Text()
			}
			changes = append(changes, fmt.Sprintf("step %q has changed%s", s.ID, text))
		}
		delete(before, s.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		changes = append(changes, fmt.Sprintf("step %q no longer exists", id))
	}
	return changes
}
