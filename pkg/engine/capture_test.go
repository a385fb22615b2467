package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// printer is a runner whose steps print a text in two pieces, and leave files.
type printer struct {
	text  string
	files map[string]string
}

func (p printer) Run(_ context.Context, _ Attempt, sink task.Sink) task.Result {
	half := len(p.text) / 2
	for _, part := range []string{p.text[:half], p.text[half:]} {
		sink(task.Output{Stream: task.Stdout, Data: []byte(part)})
	}
	return task.Result{State: task.Succeeded, Files: p.files, Message: "printed " + p.text}
}

func TestOutputs(t *testing.T) {
	tests := []struct {
		name       string
		definition task.OutputDefinition
		text       string
		want       any
		err        string
	}{
		{name: "file", definition: task.OutputDefinition{File: "/f"}, want: "a\nb"},
		{name: "no file", definition: task.OutputDefinition{File: "/g"}, err: "the task wrote no file /g"},
		{name: "json", definition: task.OutputDefinition{JSON: "a"}, text: "x\n{\"a\": 2.5}\n\n", want: 2.5},
		{name: "json of json", definition: task.OutputDefinition{JSON: "a.b"}, text: `{"a": {"b": ["c"]}}`, want: []any{"c"}},
		{name: "json as a string", definition: task.OutputDefinition{JSON: "a", Type: task.String}, text: `{"a": {"b": ["c"]}}`, want: `{"b":["c"]}`},
		{name: "json without it", definition: task.OutputDefinition{JSON: "a.b"}, text: `{"a": 1}`, err: `the JSON of the task's output has no field "a.b"`},
		{name: "no json", definition: task.OutputDefinition{JSON: "a"}, text: "{\"a\": 1}\nbye\n", err: "the last line of the task's output is not JSON"},
		{name: "pattern", definition: task.OutputDefinition{Pattern: "v=([0-9]+)"}, text: "v=1\nv=2\nw\n", want: "2"},
		{name: "pattern without a group", definition: task.OutputDefinition{Pattern: "v=[0-9]+"}, text: "a v=1 b", want: "v=1"},
		{name: "no match", definition: task.OutputDefinition{Pattern: "v"}, text: "w", err: "no output of the task matches v"},
		{name: "number", definition: task.OutputDefinition{Pattern: "v=(.*)", Type: task.Number}, text: "v=12", want: 12.0},
		{name: "no number", definition: task.OutputDefinition{Pattern: "v=(.*)", Type: task.Number}, text: "v=a", err: "the value is not of type number"},
		{name: "boolean", definition: task.OutputDefinition{Pattern: "v=(.*)", Type: task.Boolean}, text: "v=true", want: true},
		{name: "text that is json", definition: task.OutputDefinition{Pattern: "v=(.*)", Type: task.JSON}, text: "v=[1]", want: []any{1.0}},
		{name: "too long", definition: task.OutputDefinition{Pattern: "(?s).+"}, text: strings.Repeat("x", task.MaxOutput+1), err: "it is longer than 64 KiB"},
		{name: "a line that is too long for json", definition: task.OutputDefinition{JSON: "a"}, text: `{"a": "` + strings.Repeat("x", task.MaxOutput) + `"}`, err: "it is longer than 64 KiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := steps("a")
			tt.definition.Name = "o"
			p.Steps[0].Task.Outputs = []task.OutputDefinition{tt.definition}
			r := Engine{Runner: printer{tt.text, map[string]string{"/f": "a\nb\n"}}}.Run(t.Context(), p).Steps[0]
			want := task.Succeeded
			if tt.err != "" {
				tt.err, want = `output "o": `+tt.err, task.Failed
				if r.Message != tt.err {
					t.Errorf("message %q, want %q", r.Message, tt.err)
				}
			}
			if diff := cmp.Diff(tt.want, r.Outputs["o"].Value); diff != "" || r.State != want {
				t.Errorf("%s (-want +got):\n%s", r.State, diff)
			}
		})
	}
}

// shower resolves to a task that prints the values it is resolved with.
type shower struct{ err error }

func (s shower) Resolve(v task.Values) (task.Executor, string, error) {
	a := v.Tasks["a"]
	text, _ := a.Outputs["o"].Value.(string)
	if text == "skip" {
		return nil, "told to", nil
	}
	return task.Host{Command: task.Command{Text: string(v.Run) + " " + string(a.State) + " " + text}}, "", s.err
}

// teller is a runner whose steps print their command, or its own text when they have none.
type teller string

func (s teller) Run(_ context.Context, step Attempt, sink task.Sink) task.Result {
	text := string(s)
	if e := step.Task.Executor; e != nil {
		text = e.Text()
	}
	sink(task.Output{Stream: task.Stdout, Data: []byte(text + "\n")})
	return task.Result{State: task.Succeeded, Message: text}
}

// TestLate: a task sees the outcomes of tasks before it. Secrets are never shown, not even in the line that they are
// read from.
func TestLate(t *testing.T) {
	tests := []struct {
		name   string
		says   string
		secret bool
		err    error
		want   []string
		state  task.State
	}{
		{name: "value", says: "o=7", want: []string{"o=7", "Succeeded Succeeded 7"}, state: task.Succeeded},
		{name: "secret", says: "o=hush", secret: true, want: []string{"o=***", "Succeeded Succeeded ***"}, state: task.Succeeded},
		{name: "skip", says: "o=skip", want: []string{"o=skip"}, state: task.Skipped},
		{name: "error", says: "o=7", err: errors.New("wrong"), want: []string{"o=7"}, state: task.Failed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := steps("a", "b < a")
				p.Steps[0].Task.Outputs = []task.OutputDefinition{{Name: "o", Pattern: "o=(.*)", Secret: tt.secret}}
				p.Steps[1].Task.Deferred, p.Steps[1].Task.Reads = shower{tt.err}, []task.Read{{Task: "a", Output: "o"}}
				var printed []string
				r := Engine{Runner: teller(tt.says), Emit: func(e Event) {
					if o, ok := e.(StepOutput); ok {
						printed = append(printed, strings.TrimSpace(string(o.Output.Data)))
					}
					if e, ok := e.(StepEnded); ok && strings.Contains(e.Result.Message, "hush") {
						t.Errorf("%q shows the secret", e.Result.Message)
					}
				}}.Run(t.Context(), p)
				if diff := cmp.Diff(tt.want, printed); diff != "" || r.Steps[1].State != tt.state {
					t.Errorf("%s (-want +got):\n%s", r.Steps[1].State, diff)
				}
			})
		})
	}
}
