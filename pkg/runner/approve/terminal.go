package approve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// Terminal is a person at a terminal, who is asked one question at a time. What was typed before a question was
// shown does not answer it, and a question that was given up reads no more. NewTerminal returns one.
type Terminal struct {
	in  io.Reader
	out io.Writer
	// forget throws away what was typed and not read yet.
	forget func()
	// turn has a place for the question that is open.
	turn chan struct{}

	mu sync.Mutex
	// open takes the next line; nil when there is no question.
	open chan line
	// reading reports that a read goes on. It cannot be ended, and so the next question takes it over.
	reading bool
}

// line is what was typed, or why nothing more will be.
type line struct {
	text string
	err  error
}

// NewTerminal returns the person who types what in reads and sees what goes to out.
func NewTerminal(in io.Reader, out io.Writer) *Terminal {
	return &Terminal{in: in, out: out, forget: func() { forget(in) }, turn: make(chan struct{}, 1)}
}

// notAsked is the end of a question whose turn did not come.
type notAsked struct{ cause error }

func (e notAsked) Error() string {
	return fmt.Sprintf("%v; the question was not asked, because another one was still open", e.cause)
}

func (e notAsked) Unwrap() error { return e.cause }

// Ask shows a question when its turn comes and reports whether the answer is yes. The error is that of reading,
// or the cause of ctx when that has ended first.
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
		fmt.Fprintln(t.out) // what comes next is not part of the question
		return false, context.Cause(ctx)
	case answer := <-answers:
		text := strings.ToLower(strings.TrimSpace(answer.text))
		if errors.Is(answer.err, io.EOF) {
			answer.err = nil // a line without an end, or no answer
		}
		return text == "y" || text == "yes", answer.err
	}
}

// show writes the question and has the next line answer it.
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

// read reads a line. When no question is open any more, it answers nothing.
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

// readLine reads a line byte by byte, so that what follows it is left to others.
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
