package engine

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/mask"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestHide: values of Secrets are never shown, and an output that contains one is secret. The data of a task is
// unchanged, except for values that the task itself marks as secret.
func TestHide(t *testing.T) {
	p := steps("one")
	p.Steps[0].Task.Outputs = []task.OutputDefinition{{Name: "open", Pattern: "open (.*)"}, {Name: "closed", Pattern: "closed (.*)", Secret: true}}
	var data bytes.Buffer
	var shown strings.Builder
	e := Engine{Data: &data, Runner: runner(func(a Attempt, sink task.Sink) task.Result {
		a.Mask([]string{"of-a-secret"})
		sink(task.Output{Stream: task.Stdout, Data: []byte("open of-a-secret\nclosed marked\n")})
		return task.Result{State: task.Succeeded, Message: "of-a-secret"}
	}), Emit: func(e Event) {
		if o, is := e.(StepOutput); is {
			shown.Write(o.Output.Data)
		}
	}}
	result := e.Run(t.Context(), p).Steps[0]
	if got, want := data.String(), "open of-a-secret\nclosed ***\n"; got != want {
		t.Errorf("data %q, want %q", got, want)
	}
	if got, want := shown.String(), "open ***\nclosed ***\n"; got != want {
		t.Errorf("shown %q, want %q", got, want)
	}
	if result.Message != mask.Placeholder || !result.Outputs["open"].Secret || !result.Masked {
		t.Errorf("result %+v", result)
	}
}

// runner is a function that is a Runner.
type runner func(Attempt, task.Sink) task.Result

func (r runner) Run(_ context.Context, a Attempt, sink task.Sink) task.Result { return r(a, sink) }
