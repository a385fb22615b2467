// Package approve runs approve tasks: it asks a person whether to go on.
package approve

import (
	"context"
	"fmt"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Runner runs approve tasks.
type Runner struct {
	// Yes answers every question with yes.
	Yes bool
	// Interactive reports that there is a person to ask.
	Interactive bool
	// Ask asks whether to go on; see Terminal.Ask.
	Ask func(ctx context.Context, question string) (bool, error)
}

// Run asks, and succeeds when the answer is yes. Without a person to ask it fails at once.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	a, ok := t.Executor.(task.Approve)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is no approve task", t.Executor)}
	}
	if r.Yes {
		sink(task.Output{Stream: task.Note, Data: []byte("approved by --yes\n")})
		return task.Result{State: task.Succeeded}
	}
	if !r.Interactive {
		return task.Result{State: task.Failed, Reason: "NobodyToAsk", Message: fmt.Sprintf("%q needs the yes of a person, and there is no terminal to ask at; approve beforehand with --yes", a.Message)}
	}
	yes, err := r.Ask(ctx, Quoted(a.Message))
	switch {
	case ctx.Err() != nil && err != nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: err.Error()}
	case err != nil:
		return task.Result{State: task.Failed, Reason: "NotApproved", Message: fmt.Sprintf("the answer could not be read: %v", err)}
	case !yes:
		return task.Result{State: task.Failed, Reason: "NotApproved", Message: "not approved"}
	}
	return task.Result{State: task.Succeeded}
}

// Quoted returns an author's question with a bar before each line but the first, so that none looks like another
// question or like a line of the program's own.
func Quoted(question string) string {
	return strings.ReplaceAll(strings.TrimSpace(question), "\n", "\n  | ")
}
