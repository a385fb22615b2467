package approve

import (
	"context"
	"fmt"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Runner runs approve tasks.
type Runner struct {
	// Yes approves all tasks without a question.
	Yes bool
	// Interactive reports that a user can answer.
	Interactive bool
	// Ask asks a question; see Terminal.Ask.
	Ask func(ctx context.Context, question string) (bool, error)
}

// Run asks, and succeeds when the answer is yes. Without a user who can answer it fails at once.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	a, ok := t.Executor.(task.Approve)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is not an approve task", t.Executor)}
	}
	if r.Yes {
		sink(task.Output{Stream: task.Note, Data: []byte("approved by --yes\n")})
		return task.Result{State: task.Succeeded}
	}
	if !r.Interactive {
		return task.Result{State: task.Failed, Reason: "NobodyToAsk", Message: fmt.Sprintf("%q needs approval, and there is no terminal; approve it in advance with --yes", a.Message)}
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

// Quoted returns an author's question with a bar before each line except for the first, so that none looks like another
// question or like output of this program.
func Quoted(question string) string {
	return strings.ReplaceAll(strings.TrimSpace(question), "\n", "\n  | ")
}
