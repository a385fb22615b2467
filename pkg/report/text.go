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

// Text shows a run as plain lines. Each step has a line when it starts and one when it ends;
// what it prints stands between them, behind a bar and, when more than one source prints, behind
// the source's name. The output of tasks is escaped (see Escape).
type Text struct {
	// Log takes the lines about steps.
	Log io.Writer
	// Stdout and Stderr take what tasks print.
	Stdout, Stderr io.Writer

	running int
	// open is the source whose unfinished line is the last thing written; nil when none is.
	open *origin
}

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
		t.line("%s: attempt %d %s%s; the next in %s", e.Step.Title(), e.Attempt, strings.ToUpper(string(e.Result.State)), colon(e.Result.Message), round(e.Pause))
	case engine.StepEnded:
		if !e.Result.Start.IsZero() && !e.Result.Prior {
			t.running--
		}
		t.line("%s: %s", e.Step.Title(), ending(e.Result))
		for _, target := range e.Result.Targets {
			if target.State != task.Succeeded && !alone(e.Result) {
				t.line("  %s: %s%s", target.Pod, strings.ToUpper(string(target.State)), colon(target.Message))
			}
		}
	}
}

// Say writes lines that are about no step.
func (t *Text) Say(lines ...string) {
	for _, l := range lines {
		t.line("%s", l)
	}
}

// line writes a line of our own. Only values that came from elsewhere can hold control
// characters, and the line's own end is not escaped. What follows a line's end in such a value stands behind a
// bar, so that no line begins with what somebody else has chosen.
func (t *Text) line(format string, args ...any) {
	t.finishLine()
	text := fmt.Sprintf(format, args...)
	begin := ""
	for part := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintf(t.Log, "%s%s\n", begin, Escape([]byte(part)))
		begin = "  | "
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

// source names who prints, when that is not clear from the lines before.
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

// finishLine ends a line that a task left without an end.
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

func detail(s plan.Step) string {
	if s.Task == nil {
		return ""
	}
	return ": " + s.Task.Executor.Text()
}

func ending(r engine.StepResult) string {
	took := ""
	if !r.Start.IsZero() {
		took = " after " + round(r.End.Sub(r.Start)).String()
	}
	where := ""
	if n := len(r.Targets); n > 1 && r.State == task.Succeeded {
		where = fmt.Sprintf(" in %d pods", n)
	}
	if alone(r) && r.State != task.Succeeded {
		took += " in " + r.Targets[0].Pod
	}
	if r.Prior {
		took = ", as an earlier process of this run saw"
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

// alone reports whether the step's end is that of the one pod that it ran in, so that it need not be said of both.
func alone(r engine.StepResult) bool {
	return len(r.Targets) == 1 && r.Targets[0].State == r.State && r.Targets[0].Message == r.Message
}

func colon(message string) string {
	if message == "" {
		return ""
	}
	return ": " + message
}

func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}
