package report

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Events writes the events of a run, each as one line of JSON. It is safe for concurrent use.
type Events struct {
	// Run is the ID of the run.
	Run string
	// To takes the lines.
	To io.Writer
	// Now is the clock for output events; nil means time.Now.
	Now func() time.Time

	mu sync.Mutex
	// lost counts the events that were not written because of err.
	lost int
	err  error
}

// Event is one line of Events. Fields are only added.
type Event struct {
	Time time.Time `json:"time"`
	Run  string    `json:"run"`
	// Type is started, output, retried or ended.
	Type string `json:"type"`
	// Step is the ID of the step, as in PlanStep; Kind, Phase and Release describe it.
	Step    string     `json:"step"`
	Kind    plan.Kind  `json:"kind"`
	Phase   task.Phase `json:"phase,omitempty"`
	Release string     `json:"release,omitempty"`
	// Status, ExitCode, Reason, Message and Attempt are the result of the step, or of a failed attempt.
	Status   task.State `json:"status,omitempty"`
	ExitCode *int       `json:"exitCode,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Message  string     `json:"message,omitempty"`
	Attempt  int        `json:"attempt,omitempty"`
	// Target, Stream and Text are the output; bytes that are not UTF-8 are replaced.
	Target string      `json:"target,omitempty"`
	Stream task.Stream `json:"stream,omitempty"`
	Text   string      `json:"text,omitempty"`
}

// Emit writes one event. It is for engine.Engine.Emit, also of several engines at the same time. After a write error
// it writes no more events, so that only the last line can be incomplete. The run continues; see Lost.
func (w *Events) Emit(e engine.Event) {
	var line Event
	switch e := e.(type) {
	case engine.StepStarted:
		line = newEvent(e.Step, e.Time, "started")
	case engine.StepOutput:
		now := time.Now
		if w.Now != nil {
			now = w.Now
		}
		line = newEvent(e.Step, now(), "output")
		line.Target, line.Stream, line.Text = e.Output.Target, e.Output.Stream, string(e.Output.Data)
	case engine.StepRetried:
		line = newEvent(e.Step, e.Time, "retried")
		line.setResult(e.Result)
		line.Attempt = e.Attempt
	case engine.StepEnded:
		line = newEvent(e.Step, e.Time, "ended")
		line.setResult(e.Result.Result)
		line.Attempt = e.Result.Attempts
	}
	line.Run = w.Run
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		var b bytes.Buffer
		if w.err = json.NewEncoder(&b).Encode(line); w.err == nil {
			_, w.err = w.To.Write(EscapeJSON(b.Bytes()))
		}
	}
	if w.err != nil {
		w.lost++
	}
}

// Lost returns how many events were not written, and the error of the first.
func (w *Events) Lost() (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost, w.err
}

func newEvent(s plan.Step, at time.Time, eventType string) Event {
	return Event{Time: at.UTC(), Type: eventType, Step: s.ID, Kind: s.Kind, Phase: s.Phase, Release: s.Release.Name}
}

func (e *Event) setResult(r task.Result) {
	e.Status, e.ExitCode, e.Reason, e.Message = r.State, r.ExitCode, r.Reason, r.Message
}
