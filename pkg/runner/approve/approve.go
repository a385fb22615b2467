// Package approve runs approve tasks: it asks a person whether to go on.
package approve

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Runner runs approve tasks.
type Runner struct {
	// Yes answers every question with yes.
	Yes bool
	// Interactive tells that there is a person to ask.
	Interactive bool
	// Ask writes the question, Answer reads one line of answer.
	Ask    io.Writer
	Answer func() (string, error)
}

// Run asks, and succeeds when the answer is yes. Without anybody to ask it fails at once.
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
	fmt.Fprintf(r.Ask, "%s [y/N] ", a.Message)
	answers := make(chan string, 1)
	// A read of a terminal cannot be cancelled; it ends with the program.
	go func() {
		line, err := r.Answer()
		if err != nil {
			line = ""
		}
		answers <- line
	}()
	select {
	case <-ctx.Done():
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	case answer := <-answers:
		if answer = strings.ToLower(strings.TrimSpace(answer)); answer == "y" || answer == "yes" {
			return task.Result{State: task.Succeeded}
		}
		return task.Result{State: task.Failed, Reason: "NotApproved", Message: "not approved"}
	}
}
