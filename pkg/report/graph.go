package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
)

// Dot writes a plan as a graph for Graphviz, with an arrow from each step to those that need it.
func Dot(w io.Writer, p plan.Plan) {
	fmt.Fprintln(w, "digraph plan {\n  rankdir=LR;")
	for _, s := range p.Steps {
		shape := "box"
		if s.Task == nil {
			shape = "ellipse"
		}
		fmt.Fprintf(w, "  %q [label=%q, shape=%s];\n", s.ID, s.Title(), shape)
	}
	for _, s := range p.Steps {
		for _, need := range s.Needs {
			fmt.Fprintf(w, "  %q -> %q;\n", need, s.ID)
		}
	}
	fmt.Fprintln(w, "}")
}

// Mermaid writes a plan as a Mermaid flowchart, with an arrow from each step to those that need it.
func Mermaid(w io.Writer, p plan.Plan) {
	fmt.Fprintln(w, "flowchart LR")
	ids := map[string]string{}
	for i, s := range p.Steps {
		ids[s.ID] = fmt.Sprintf("s%d", i+1)
		left, right := "[", "]"
		if s.Task == nil {
			left, right = "([", "])"
		}
		// A quote ends a label, and is written as an entity code within it.
		label := strings.ReplaceAll(string(Escape([]byte(s.Title()))), `"`, "#quot;")
		fmt.Fprintf(w, "  %s%s\"%s\"%s\n", ids[s.ID], left, label, right)
	}
	for _, s := range p.Steps {
		for _, need := range s.Needs {
			fmt.Fprintf(w, "  %s --> %s\n", ids[need], ids[s.ID])
		}
	}
}
