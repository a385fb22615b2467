package mask

import (
	"io"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Writer replaces secrets in what is written to it. Close writes what it holds back; it does not close what it writes to.
type Writer struct {
	filter *Filter
	err    error
}

// NewWriter returns a writer that writes to w, without the secrets.
func NewWriter(secrets *Secrets, w io.Writer) *Writer {
	m := &Writer{}
	m.filter = NewFilter(secrets, func(o task.Output) {
		if m.err == nil {
			_, m.err = w.Write(o.Data)
		}
	})
	return m
}

// Write implements io.Writer. The error is that of the writer below.
func (m *Writer) Write(b []byte) (int, error) {
	m.filter.Pass(task.Output{Stream: task.Stdout, Data: b})
	return len(b), m.err
}

// Close implements io.Closer.
func (m *Writer) Close() error {
	m.filter.Flush()
	return m.err
}
