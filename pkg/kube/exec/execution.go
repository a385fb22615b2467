package exec

import (
	"context"
	"io"
	"time"
)

// execution is a program, with the state of reading its output over all connections.
type execution struct {
	req            Request
	stdout, stderr *counted
	marks          *marks
}

func newExecution(req Request) *execution {
	return &execution{req: req, stdout: &counted{to: req.Stdout}, stderr: &counted{to: req.Stderr}}
}

// started reports whether this process knows that the program was started.
func (x *execution) started() bool { return x.marks != nil && x.marks.started() }

// printed returns how many bytes of output have been passed on.
func (x *execution) printed() int64 { return x.stdout.n + x.stderr.n }

// note adds a line to the program's standard error.
func (x *execution) note(text string) { _, _ = io.WriteString(x.req.Stderr, text+"\n") }

// counted counts the bytes that it passes on.
type counted struct {
	to io.Writer
	n  int64
}

// Write implements io.Writer.
func (c *counted) Write(data []byte) (int, error) {
	n, err := c.to.Write(data)
	c.n += int64(n)
	return n, err
}

// connect runs one of the scripts until it ends or ctx is cancelled.
func (e Executor) connect(ctx context.Context, x *execution, command []string, grace time.Duration) (int, error) {
	answers, answer := io.Pipe()
	defer answer.Close() //nolint:errcheck // it never fails
	x.marks = newMarks(x.stderr, x.req.Token, func() {
		// Without a reader this would block forever.
		go func() { _, _ = io.WriteString(answer, "seen\n") }()
	})
	wrapped := x.req
	wrapped.Command, wrapped.stdin, wrapped.Stdout, wrapped.Stderr = command, answers, x.stdout, x.marks
	code, err := e.execUntil(ctx, wrapped, func(end <-chan struct{}) error {
		return e.stop(ctx, x.req, x.marks, end, grace)
	})
	x.marks.flush()
	return code, err
}
