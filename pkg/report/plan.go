package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Plan writes the steps of a plan as a numbered table. It marks steps that are skipped, or run only after a failure.
// The error is that of w.
func Plan(w io.Writer, p plan.Plan) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, s := range p.Steps {
		var about []string
		switch {
		case s.Task != nil && s.Task.Skip != "":
			about = append(about, "(skipped: "+s.Task.Skip+")")
		case s.Stage == task.AtFailure || s.Stage == task.AtRollback && p.Operation != task.Rollback:
			about = append(about, "(only after a failure)")
		}
		if s.Task != nil {
			about = append(about, FirstLine(s.Task.Executor.Text()))
		}
		line := fmt.Sprintf("%3d.\t%s\t%s", i+1, Escape([]byte(s.Title())), place(s))
		if len(about) > 0 {
			line += "\t" + string(Escape([]byte(strings.Join(about, " "))))
		}
		fmt.Fprintln(table, line)
	}
	return table.Flush()
}

// PlanReasons writes the steps of a plan as a table with their needs and reasons, and then the tasks that the plan
// omits. The error is that of w.
func PlanReasons(w io.Writer, p plan.Plan) error {
	var padded bytes.Buffer
	table := tabwriter.NewWriter(&padded, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "\tSTEP\tPLACE\tAFTER\tREASON\tCOMMAND")
	for i, s := range p.Steps {
		command, reason := "", s.Reason
		if s.Task != nil {
			command = FirstLine(s.Task.Executor.Text())
			if s.Task.When != "" {
				reason += ", when " + s.Task.When
			}
			if s.Task.Skip != "" {
				reason = "skipped: " + s.Task.Skip
			}
		}
		row := []string{fmt.Sprintf("%d.", i+1), s.Title(), place(s), abbreviate(titles(p, s.Needs)), reason, command}
		for j := range row {
			row[j] = string(Escape([]byte(strings.ReplaceAll(row[j], "\t", " "))))
		}
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(padded.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	for _, l := range p.Omitted {
		fmt.Fprintf(w, "not run: %s: %s\n", Escape([]byte(l.Task.Name)), l.Reason)
	}
	return nil
}

// FirstLine returns the first line of a command and the number of further lines, for a row of a table.
func FirstLine(command string) string {
	lines := strings.Split(strings.TrimSpace(command), "\n")
	switch rest := len(lines) - 1; rest {
	case 0:
		return lines[0]
	case 1:
		return lines[0] + " … (1 more line)"
	default:
		return fmt.Sprintf("%s … (%d more lines)", lines[0], rest)
	}
}

// titles returns the titles of the steps with these IDs.
func titles(p plan.Plan, ids []string) []string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id
		if at := slices.IndexFunc(p.Steps, func(s plan.Step) bool { return s.ID == id }); at >= 0 {
			names[i] = p.Steps[at].Title()
		}
	}
	return names
}

// maxNames is the maximum number of steps in a column, which is as wide as its widest row.
const maxNames = 5

// abbreviate joins names of steps; of more than maxNames it returns the first ones and the number of the others.
func abbreviate(names []string) string {
	if len(names) > maxNames {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames-1], ", "), len(names)-maxNames+1)
	}
	return strings.Join(names, ", ")
}

// place returns where a step runs: the kind of its executor, helm, or wait.
func place(s plan.Step) string {
	switch {
	case s.Task != nil:
		return s.Task.Executor.Kind()
	case s.OnlyWaits():
		return "wait"
	}
	return "helm"
}

// image returns the image of an executor that creates a pod of its own; empty for others.
func image(e task.Executor) string {
	switch e := e.(type) {
	case task.Pod:
		return e.MainContainer().Image
	case task.Job:
		return e.Pod().MainContainer().Image
	case task.Function:
		return e.Image
	case task.Advanced:
		return e.Image
	case task.Keptn:
		return task.Job{Spec: e.Job.Spec, Main: e.Main}.Pod().MainContainer().Image
	}
	return ""
}

// PlanObject is the output of plan -o json. Fields are only added.
type PlanObject struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Operation  task.Operation `json:"operation"`
	Release    string         `json:"release,omitempty"`
	Namespace  string         `json:"namespace,omitempty"`
	Steps      []PlanStep     `json:"steps"`
	Omitted    []PlanOmitted  `json:"left"`
}

// PlanStep is one step of a PlanObject.
type PlanStep struct {
	ID string `json:"id"`
	// Kind is task, apply, finish, ready, delete or object.
	Kind  plan.Kind  `json:"kind"`
	Phase task.Phase `json:"phase,omitempty"`
	// Place is where the step runs, such as host, exec, pod, clone, helm or wait.
	Place   string `json:"place"`
	Command string `json:"command,omitempty"`
	// Image is the image of a pod, Job or function. A clone has that of its workload.
	Image  string   `json:"image,omitempty"`
	Needs  []string `json:"needs,omitempty"`
	Reason string   `json:"reason"`
	// When is the task's condition, with its result and the values of its variables.
	When string `json:"when,omitempty"`
	// Skip is the reason why the task will be skipped.
	Skip   string `json:"skip,omitempty"`
	Source string `json:"source,omitempty"`
}

// PlanOmitted is a task that the plan omits.
type PlanOmitted struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// NewPlanObject returns the object of a plan.
func NewPlanObject(p plan.Plan) PlanObject {
	o := PlanObject{
		APIVersion: "kubectl-tasks.io/v1alpha1", Kind: "Plan", Operation: p.Operation,
		Release: p.Release.Name, Namespace: p.Release.Namespace, Steps: []PlanStep{}, Omitted: []PlanOmitted{},
	}
	for _, s := range p.Steps {
		step := PlanStep{ID: s.ID, Kind: s.Kind, Phase: s.Phase, Place: place(s), Needs: s.Needs, Reason: s.Reason}
		if s.Task != nil {
			step.Image = image(s.Task.Executor)
			step.When = s.Task.When
			step.Command, step.Source, step.Skip = s.Task.Executor.Text(), s.Task.Source.Name, s.Task.Skip
		}
		o.Steps = append(o.Steps, step)
	}
	for _, l := range p.Omitted {
		o.Omitted = append(o.Omitted, PlanOmitted{Name: l.Task.Name, Reason: l.Reason})
	}
	return o
}
