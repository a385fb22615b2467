package mask

import (
	"bytes"
	"sync"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Filter replaces secrets in output, also when a secret arrives in parts: it holds back the end of an unfinished line that
// may be the beginning of a secret. It is safe for concurrent use.
type Filter struct {
	secrets *Secrets
	next    task.Sink

	mu   sync.Mutex
	held map[origin]task.Output
	// masked reports that a secret was replaced in standard output.
	masked bool
}

// origin is the pod and stream of output.
type origin struct {
	target string
	stream task.Stream
}

// NewFilter returns a filter that passes its input to next, without the secrets.
func NewFilter(secrets *Secrets, next task.Sink) *Filter {
	return &Filter{secrets: secrets, next: next}
}

// Pass takes output; it is a task.Sink.
func (f *Filter) Pass(o task.Output) {
	if f.secrets.empty() {
		f.next(o)
		return
	}
	f.mu.Lock()
	from := origin{o.Target, o.Stream}
	if held, has := f.held[from]; has {
		o.Data = append(held.Data, o.Data...)
		delete(f.held, from)
	}
	unfinished := len(o.Data) > 0 && o.Data[len(o.Data)-1] != '\n'
	shown, rest, masked := f.secrets.cut(o.Data)
	f.masked = f.masked || masked && o.Stream == task.Stdout
	if unfinished && len(rest) > 0 {
		if f.held == nil {
			f.held = map[origin]task.Output{}
		}
		f.held[from] = task.Output{Target: o.Target, Stream: o.Stream, Data: bytes.Clone(rest)}
		o.Data = shown
	} else {
		shown = append(shown, rest...)
		o.Data = shown
	}
	f.mu.Unlock()
	if len(o.Data) > 0 {
		f.next(o)
	}
}

// Flush passes on the output that was held back. It reports whether a secret was replaced in standard output.
func (f *Filter) Flush() (masked bool) {
	f.mu.Lock()
	held := f.held
	f.held = nil
	for from, o := range held {
		shown := f.secrets.Bytes(o.Data)
		f.masked = f.masked || o.Stream == task.Stdout && !bytes.Equal(shown, o.Data)
		o.Data = shown
		held[from] = o
	}
	masked = f.masked
	f.mu.Unlock()
	for _, o := range held {
		f.next(o)
	}
	return masked
}
