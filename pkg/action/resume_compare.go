package action

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
)

// compare returns an error that says what has changed since the run was started. next is the revision that the run would
// create, or remove.
func (r *Resumption) compare(inputs map[string]string, p plan.Plan, next int) error {
	if r.Replan {
		return nil
	}
	changes := r.changedInputs(inputs, func(string) bool { return true })
	if p.Operation != r.Run.Operation {
		changes = append(changes, fmt.Sprintf("the run was of the operation %s, and would be of %s", r.Run.Operation, p.Operation))
	}
	// A part of Helm's that has failed has made the revision that was going to be made.
	if next != r.Run.Revision && (!r.hasApplied() || next != r.Run.Revision+1) {
		changes = append(changes, fmt.Sprintf("the run was about revision %d of the release, and would be about %d: it was changed meanwhile", r.Run.Revision, next))
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

func (r *Resumption) changed(changes []string) error {
	if len(changes) == 0 {
		return nil
	}
	list := make([]string, len(changes))
	for i, change := range changes {
		list[i] = "\n  " + shown("%s", change)
	}
	return RefusedError{fmt.Sprintf("run %s was planned from something else:%s\nhint: --replan goes on with what is there now; what is done stays done", r.Run.ID, strings.Join(list, ""))}
}

// changedInputs says which of what the plan is made from is not as it was.
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
			changes = append(changes, name+" is no longer there")
		}
	}
	return changes
}

// changedSteps says which steps of the plan are not those of the run.
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
		changes = append(changes, fmt.Sprintf("step %q is no longer there", id))
	}
	return changes
}
