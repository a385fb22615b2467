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

// Events writes each event of a run as one line of JSON.
type Events struct {
	// Run identifies the run.
	Run string
	To  io.Writer
	// Now is the clock for what tasks print; nil means time.Now.
	Now func() time.Time

	mu sync.Mutex
	// lost counts the events that are not written, because of err.
	lost int
	err  error
}

// Event is a line of Events. Its fields only grow.
type Event struct {
	Time time.Time `json:"time"`
	Run  string    `json:"run"`
	// Type is started, output, retried or ended.
	Type string `json:"type"`
	// Step, Kind, Phase and Release are those of the step; see PlanStep.
	Step    string     `json:"step"`
	Kind    plan.Kind  `json:"kind"`
	Phase   task.Phase `json:"phase,omitempty"`
	Release string     `json:"release,omitempty"`
	// Status, ExitCode, Reason, Message and Attempt are those of an end, or of the attempt that failed.
	Status   task.State `json:"status,omitempty"`
	ExitCode *int       `json:"exitCode,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Message  string     `json:"message,omitempty"`
	Attempt  int        `json:"attempt,omitempty"`
	// Target, Stream and Text are those of something printed; what is no UTF-8 in it is replaced.
	Target string      `json:"target,omitempty"`
	Stream task.Stream `json:"stream,omitempty"`
	Text   string      `json:"text,omitempty"`
}

// Emit writes one event. It is for engine.Engine.Emit, also of several engines at the same time. A file that cannot be
// written to must not end a run, for what decides is the result: nothing more is written to it, so that its last
// line alone may be broken; see Lost.
func (w *Events) Emit(e engine.Event) {
	var line Event
	switch e := e.(type) {
	case engine.StepStarted:
		line = about(e.Step, e.Time, "started")
	case engine.StepOutput:
		now := time.Now
		if w.Now != nil {
			now = w.Now
		}
		line = about(e.Step, now(), "output")
		line.Target, line.Stream, line.Text = e.Output.Target, e.Output.Stream, string(e.Output.Data)
	case engine.StepRetried:
		line = about(e.Step, e.Time, "retried")
		line.ended(e.Result)
		line.Attempt = e.Attempt
	case engine.StepEnded:
		line = about(e.Step, e.Time, "ended")
		line.ended(e.Result.Result)
		line.Attempt = e.Result.Attempts
	}
	line.Run = w.Run
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		var b bytes.Buffer
		if w.err = json.NewEncoder(&b).Encode(line); w.err == nil {
			_, w.err = w.To.Write(SafeJSON(b.Bytes()))
		}
	}
	if w.err != nil {
		w.lost++
	}
}

// Lost returns how many events were not written, and why not.
func (w *Events) Lost() (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost, w.err
}

func about(s plan.Step, at time.Time, kind string) Event {
	return Event{Time: at.UTC(), Type: kind, Step: s.ID, Kind: s.Kind, Phase: s.Phase, Release: s.Release.Name}
}

func (e *Event) ended(r task.Result) {
	e.Status, e.ExitCode, e.Reason, e.Message = r.State, r.ExitCode, r.Reason, r.Message
}
