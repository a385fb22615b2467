package report

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

var began = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func taskStep(name string) plan.Step {
	return plan.Step{ID: name, Kind: plan.Task, Phase: task.PostDeploy, Task: &task.Task{
		Name: name, Source: task.Source{Name: "f"}, Executor: task.Exec{Command: task.Command{Argv: []string{"x"}, Text: "x $Y"}},
	}}
}

var (
	applyStep = plan.Step{ID: "helm/apply", Kind: plan.Apply, Release: plan.Release{Name: "web"}, Reason: "helm install"}
	a, b      = taskStep("a"), taskStep("b\x1b")
)

func started(s plan.Step) engine.Event { return engine.StepStarted{Time: began, Step: s} }

func printed(s plan.Step, target string, stream task.Stream, text string) engine.Event {
	return engine.StepOutput{Step: s, Output: task.Output{Target: target, Stream: stream, Data: []byte(text)}}
}

func ended(s plan.Step, r task.Result) engine.Event {
	result := engine.StepResult{Step: s, Result: r}
	if r.State != task.NotRun {
		result.Start, result.End = began, began.Add(1500*time.Millisecond)
	}
	return engine.StepEnded{Time: result.End, Step: s, Result: result}
}

func TestText(t *testing.T) {
	ok := task.Result{State: task.Succeeded}
	tests := []struct {
		name   string
		events []engine.Event
		want   string
	}{
		{"one after another", []engine.Event{
			started(applyStep), ended(applyStep, ok),
			started(a), printed(a, "", task.Stdout, "one\ntwo\n"), ended(a, ok),
		}, "helm install web\nhelm install web: ok after 1.5s\na: x $Y\n  | one\n  | two\na: ok after 1.5s\n"},
		{"a line without an end", []engine.Event{
			started(a), printed(a, "", task.Stdout, "half"), printed(a, "", task.Stdout, " and half"), ended(a, ok),
		}, "a: x $Y\n  | half and half\na: ok after 1.5s\n"},
		{"streams do not mix in a line", []engine.Event{
			started(a), printed(a, "", task.Stdout, "out"), printed(a, "", task.Stderr, "err\n"), ended(a, ok),
		}, "a: x $Y\n  | out\n  | err\na: ok after 1.5s\n"},
		{"more than one source", []engine.Event{
			started(a), started(b), printed(a, "pod-1", task.Stdout, "x\n"), printed(b, "pod-2", task.Stdout, "y\n"),
			ended(a, ok), printed(b, "pod-2", task.Stdout, "z\n"), ended(b, ok),
		}, "a: x $Y\nb\\x1b: x $Y\n  a pod-1 | x\n  b\\x1b pod-2 | y\na: ok after 1.5s\n  pod-2 | z\nb\\x1b: ok after 1.5s\n"},
		{"control characters and line ends of Windows", []engine.Event{
			started(a), printed(a, "", task.Stdout, "\x1b[2J\r\n"), ended(a, ok),
		}, "a: x $Y\n  | \\x1b[2J\na: ok after 1.5s\n"},
		{"a note", []engine.Event{
			started(a), printed(a, "", task.Stdout, "half"), printed(a, "", task.Note, "the pod is not scheduled\n"), ended(a, ok),
		}, "a: x $Y\n  | half\na: the pod is not scheduled\na: ok after 1.5s\n"},
		{"another attempt", []engine.Event{
			started(a),
			engine.StepRetried{Step: a, Attempt: 1, Pause: 2 * time.Second, Result: task.Result{State: task.Failed, Message: "exit status 3"}},
			printed(a, "", task.Stdout, "x\n"), ended(a, ok),
		}, "a: x $Y\na: attempt 1 FAILED: exit status 3; next attempt in 2s\n  | x\na: ok after 1.5s\n"},
		{"endings", []engine.Event{
			ended(a, task.Result{State: task.Failed, Message: "failed in 1 of 2 pods", Targets: []task.Target{
				{Pod: "p1", State: task.Succeeded}, {Pod: "p2", State: task.Failed, Message: "exit status 3"},
			}}),
			ended(a, task.Result{State: task.Failed, Message: "exit status 3", Targets: []task.Target{{Pod: "p1", State: task.Failed, Message: "exit status 3"}}}),
			ended(a, task.Result{State: task.Unknown, Message: "connection lost"}),
			ended(a, task.Result{State: task.Skipped, Message: "no pods"}),
			ended(a, task.Result{State: task.Cancelled}),
			ended(b, task.Result{State: task.NotRun, Message: "not run because \"a\" did not succeed"}),
			ended(a, task.Result{State: task.Succeeded, Targets: []task.Target{{Pod: "p", State: task.Succeeded}, {Pod: "q", State: task.Succeeded}}}),
		}, "a: FAILED after 1.5s: failed in 1 of 2 pods\n  p2: FAILED: exit status 3\na: FAILED after 1.5s in p1: exit status 3\na: UNKNOWN after 1.5s: connection lost\na: skipped: no pods\n" +
			"a: CANCELLED after 1.5s\nb\\x1b: not run because \"a\" did not succeed\na: ok in 2 pods after 1.5s\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got bytes.Buffer
			text := &Text{Log: &got, Stdout: &got, Stderr: &got}
			for _, e := range tt.events {
				text.Emit(e)
			}
			if diff := cmp.Diff(tt.want, got.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPassthrough: the output of one program in one place is passed through byte for byte.
func TestPassthrough(t *testing.T) {
	var stdout, stderr, log bytes.Buffer
	passthrough := &Passthrough{Stdout: &stdout, Stderr: &stderr, Text: &Text{Log: &log, Stdout: &log, Stderr: &log}}
	for _, e := range []engine.Event{
		started(a), printed(a, "", task.Stdout, "\x1b[31m\x00 no end"), printed(a, "", task.Stderr, "e\n"), ended(a, task.Result{State: task.Succeeded}),
	} {
		passthrough.Emit(e)
	}
	if stdout.String() != "\x1b[31m\x00 no end" || stderr.String() != "e\n" || log.Len() > 0 {
		t.Errorf("printed %q and %q, logged %q", &stdout, &stderr, &log)
	}

	stdout.Reset()
	passthrough.Stdout = NewPrinter(&stdout)
	passthrough.Emit(printed(a, "", task.Stdout, "\x1b[31m\n"))
	if stdout.String() != "\\x1b[31m\n" {
		t.Errorf("a terminal gets %q", &stdout)
	}
	passthrough.Emit(printed(a, "pod-2", task.Stdout, "x\n"))
	passthrough.Emit(ended(a, task.Result{State: task.Failed, Message: "exit status 3"}))
	if want := "  pod-2 | x\na: FAILED after 1.5s: exit status 3\n"; log.String() != want {
		t.Errorf("logged %q, want %q", &log, want)
	}

	log.Reset()
	masked := ended(a, task.Result{State: task.Succeeded}).(engine.StepEnded)
	masked.Result.Masked = true
	passthrough.Emit(masked)
	passthrough.MaskedNote = "a secret was replaced"
	passthrough.Emit(masked)
	if want := "note: a secret was replaced\n"; log.String() != want {
		t.Errorf("logged %q, want %q", &log, want)
	}
}

func TestNewRun(t *testing.T) {
	three := 3
	p := plan.Plan{Operation: task.Install, Release: plan.Release{Name: "web", Namespace: "shop"}, Steps: []plan.Step{applyStep, a, b}}
	result := engine.Result{Start: began, End: began.Add(time.Minute), Steps: []engine.StepResult{
		{Step: applyStep, Result: task.Result{State: task.Succeeded}, Start: began, End: began.Add(time.Second)},
		{Step: a, Result: task.Result{State: task.Failed, ExitCode: &three, Reason: "ExitCode", Message: "exit status 3", Attempts: 1, Targets: []task.Target{
			{Pod: "p", Container: "c", State: task.Failed, ExitCode: &three, Message: "exit status 3"},
		}}, Start: began.Add(time.Second), End: began.Add(2 * time.Second)},
		{Step: b, Result: task.Result{State: task.NotRun, Reason: "NeedFailed", Message: "not run"}},
	}}
	run := NewRun(p, result)
	run.ID, run.Revision, run.ExitCode = "id", 1, 1
	var got bytes.Buffer
	if err := JSON(&got, run); err != nil {
		t.Fatal(err)
	}
	const want = `{
  "apiVersion": "kubectl-tasks.io/v1alpha1",
  "kind": "Run",
  "id": "id",
  "operation": "install",
  "release": "web",
  "namespace": "shop",
  "revision": 1,
  "status": "Failed",
  "exitCode": 1,
  "startTime": "2030-01-02T03:04:05Z",
  "endTime": "2030-01-02T03:05:05Z",
  "tasks": [
    {
      "name": "a",
      "phase": "post-deploy",
      "source": "f",
      "executor": "exec",
      "status": "Failed",
      "exitCode": 3,
      "reason": "ExitCode",
      "message": "exit status 3",
      "startTime": "2030-01-02T03:04:06Z",
      "endTime": "2030-01-02T03:04:07Z",
      "attempts": 1,
      "targets": [
        {
          "pod": "p",
          "container": "c",
          "status": "Failed",
          "exitCode": 3,
          "message": "exit status 3"
        }
      ]
    },
    {
      "name": "b\u001b",
      "phase": "post-deploy",
      "source": "f",
      "executor": "exec",
      "status": "NotRun",
      "reason": "NeedFailed",
      "message": "not run",
      "attempts": 0
    }
  ]
}
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}
