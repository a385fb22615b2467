package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// Terminal asks the user at a terminal, one question at a time. Input from before a question does not answer it, and a
// cancelled question takes no input. New returns one.
type Terminal struct {
	in  io.Reader
	out io.Writer
	// forget discards the input that was typed and not read.
	forget func()
	// turn is a semaphore that allows one open question.
	turn chan struct{}

	mu sync.Mutex
	// open receives the next line; nil when no question is open.
	open chan line
	// reading reports that a goroutine reads. A read cannot be cancelled, so the next question uses it.
	reading bool
}

// line is a line of input, or the error of reading it.
type line struct {
	text string
	err  error
}

// New returns a terminal that reads answers from in and writes questions to out.
func New(in io.Reader, out io.Writer) *Terminal {
	return &Terminal{in: in, out: out, forget: func() { forget(in) }, turn: make(chan struct{}, 1)}
}

// notAsked is the error of a question that was cancelled while another one was open.
type notAsked struct{ cause error }

func (e notAsked) Error() string {
	return fmt.Sprintf("%v; the question was not asked, because another question was still open", e.cause)
}

func (e notAsked) Unwrap() error { return e.cause }

// Ask shows a question when no other one is open, and reports whether the answer is yes. The error is that of reading, or
// the cause of ctx.
func (t *Terminal) Ask(ctx context.Context, question string) (bool, error) {
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return false, notAsked{context.Cause(ctx)}
	}
	defer func() { <-t.turn }()
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	answers := t.show(question)
	select {
	case <-ctx.Done():
		t.mu.Lock()
		t.open = nil
		t.mu.Unlock()
		fmt.Fprintln(t.out) // ends the line of the question
		return false, context.Cause(ctx)
	case answer := <-answers:
		text := strings.ToLower(strings.TrimSpace(answer.text))
		if errors.Is(answer.err, io.EOF) {
			answer.err = nil // an unfinished line, or no answer
		}
		return text == "y" || text == "yes", answer.err
	}
}

// show writes the question, and returns the channel that receives its answer.
func (t *Terminal) show(question string) <-chan line {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget()
	t.open = make(chan line, 1)
	fmt.Fprintf(t.out, "%s [y/N] ", question)
	if !t.reading {
		t.reading = true
		go t.read()
	}
	return t.open
}

// read reads a line, and sends it to the open question, if there is one.
func (t *Terminal) read() {
	text, err := t.readLine()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reading = false
	if t.open != nil {
		t.open <- line{text, err}
		t.open = nil
	}
}

// readLine reads a line byte by byte, so that it does not consume input after the line.
func (t *Terminal) readLine() (string, error) {
	var text []byte
	for one := make([]byte, 1); ; {
		n, err := t.in.Read(one)
		if n > 0 {
			text = append(text, one[0])
		}
		if err != nil || n > 0 && one[0] == '\n' {
			return string(text), err
		}
	}
}
