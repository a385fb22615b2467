package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Text shows a run as lines of text. Each step has a line when it starts and one when it ends. Its output is between
// them, after a bar and, if there is more than one source, the name of the source. Output is escaped (see
// Escape).
type Text struct {
	// Log takes the lines about steps, and notes.
	Log io.Writer
	// Stdout and Stderr take the output of tasks.
	Stdout, Stderr io.Writer

	// running counts the steps that are running.
	running int
	// open is the source of an incomplete line at the end of the text; nil if the last line is complete.
	open *origin
}

// origin is a source of output.
type origin struct {
	step   string
	target string
	stream task.Stream
}

// Emit shows one event. It is for engine.Engine.Emit, which calls it for one event at a time.
func (t *Text) Emit(e engine.Event) {
	switch e := e.(type) {
	case engine.StepStarted:
		t.running++
		t.line("%s%s", e.Step.Title(), detail(e.Step))
	case engine.StepOutput:
		t.output(e.Step, e.Output)
	case engine.StepRetried:
		t.line("%s: attempt %d %s%s; next attempt in %s", e.Step.Title(), e.Attempt, strings.ToUpper(string(e.Result.State)), colon(e.Result.Message), round(e.Pause))
	case engine.StepEnded:
		if !e.Result.Start.IsZero() && !e.Result.Prior {
			t.running--
		}
		t.line("%s: %s", e.Step.Title(), outcome(e.Result))
		for _, target := range e.Result.Targets {
			if target.State != task.Succeeded && !hasOneTarget(e.Result) {
				t.line("  %s: %s%s", target.Pod, strings.ToUpper(string(target.State)), colon(target.Message))
			}
		}
	}
}

// Lines writes lines that belong to no step.
func (t *Text) Lines(lines ...string) {
	for _, l := range lines {
		t.line("%s", l)
	}
}

// line writes a line to Log. The values in it are escaped, except for ends of lines: further lines of a value are
// written after a bar, so that a value cannot start a line.
func (t *Text) line(format string, args ...any) {
	t.finishLine()
	text := fmt.Sprintf(format, args...)
	prefix := ""
	for part := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintf(t.Log, "%s%s\n", prefix, Escape([]byte(part)))
		prefix = "  | "
	}
}

func (t *Text) output(step plan.Step, o task.Output) {
	if o.Stream == task.Note {
		t.line("%s: %s", step.Title(), o.Data)
		return
	}
	w := t.Stdout
	if o.Stream == task.Stderr {
		w = t.Stderr
	}
	from := origin{step.ID, o.Target, o.Stream}
	if t.open != nil && *t.open != from {
		t.finishLine()
	}
	prefix := "  " + t.source(step, o) + "| "
	var b bytes.Buffer
	for line := range bytes.Lines(o.Data) {
		if t.open == nil {
			b.WriteString(prefix)
		}
		body, ended := bytes.CutSuffix(line, []byte("\n"))
		b.Write(Escape(bytes.TrimSuffix(body, []byte("\r"))))
		if t.open = &from; ended {
			b.WriteByte('\n')
			t.open = nil
		}
	}
	_, _ = w.Write(b.Bytes())
}

// source returns the name of a source of output, if it is not clear from the preceding lines.
func (t *Text) source(step plan.Step, o task.Output) string {
	var parts []string
	if t.running > 1 {
		parts = append(parts, step.Title())
	}
	if o.Target != "" {
		parts = append(parts, o.Target)
	}
	if len(parts) == 0 {
		return ""
	}
	return string(Escape([]byte(strings.Join(parts, " ")))) + " "
}

// finishLine ends an incomplete line.
func (t *Text) finishLine() {
	if t.open == nil {
		return
	}
	w := t.Stdout
	if t.open.stream == task.Stderr {
		w = t.Stderr
	}
	t.open = nil
	_, _ = io.WriteString(w, "\n")
}

// detail returns the command of a step, for the line when it starts.
func detail(s plan.Step) string {
	if s.Task == nil {
		return ""
	}
	return ": " + s.Task.Executor.Text()
}

// outcome returns the result of a step, for the line when it ends.
func outcome(r engine.StepResult) string {
	took := ""
	if !r.Start.IsZero() {
		took = " after " + round(r.End.Sub(r.Start)).String()
	}
	where := ""
	if n := len(r.Targets); n > 1 && r.State == task.Succeeded {
		where = fmt.Sprintf(" in %d pods", n)
	}
	if hasOneTarget(r) && r.State != task.Succeeded {
		took += " in " + r.Targets[0].Pod
	}
	if r.Prior {
		took = " in an earlier process of this run"
	}
	switch r.State {
	case task.Succeeded:
		return "ok" + where + took
	case task.NotRun:
		return r.Message
	case task.Skipped:
		return "skipped" + colon(r.Message)
	case task.Failed, task.Cancelled, task.Unknown:
	}
	return strings.ToUpper(string(r.State)) + took + colon(r.Message)
}

// hasOneTarget reports whether the step ran in one pod, with the same result, so that the pod needs no line of its own.
func hasOneTarget(r engine.StepResult) bool {
	return len(r.Targets) == 1 && r.Targets[0].State == r.State && r.Targets[0].Message == r.Message
}

// colon returns a message after a colon; nothing if it is empty.
func colon(message string) string {
	if message == "" {
		return ""
	}
	return ": " + message
}

// round rounds a duration for people.
func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}
