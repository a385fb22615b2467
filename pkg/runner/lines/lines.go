package lines

import (
	"bytes"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// maxHeld is the size in bytes up to which an unfinished line is held back. A longer line is passed on in pieces, so that
// the memory is bounded.
const maxHeld = 64 << 10

// Writer passes on the bytes that are written to it: complete lines at once, and an unfinished line when it ends, exceeds
// the buffer, or is flushed. The pieces joined are the bytes that were written. It is for one stream and one goroutine.
type Writer struct {
	target string
	stream task.Stream
	sink   task.Sink
	held   []byte
}

// NewWriter returns a writer for one stream of a target.
func NewWriter(target string, stream task.Stream, sink task.Sink) *Writer {
	return &Writer{target: target, stream: stream, sink: sink}
}

// Write never fails.
func (w *Writer) Write(data []byte) (int, error) {
	n := len(data)
	end := bytes.LastIndexByte(data, '\n') + 1
	if end > 0 {
		if len(w.held) > 0 {
			// The held part and its continuation are one line, and stay one piece.
			first := bytes.IndexByte(data, '\n') + 1
			w.held = append(w.held, data[:first]...)
			w.Flush()
			data, end = data[first:], end-first
		}
		if end > 0 {
			w.pass(data[:end])
		}
		data = data[end:]
	}
	if len(w.held)+len(data) > maxHeld {
		w.Flush()
		for len(data) > maxHeld {
			w.pass(data[:maxHeld])
			data = data[maxHeld:]
		}
	}
	w.held = append(w.held, data...)
	return n, nil
}

// Flush passes on the unfinished line, without ending it.
func (w *Writer) Flush() {
	if len(w.held) > 0 {
		w.pass(w.held)
		w.held = w.held[:0]
	}
}

func (w *Writer) pass(data []byte) {
	w.sink(task.Output{Target: w.target, Stream: w.stream, Data: data})
}
