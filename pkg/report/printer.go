package report

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"unicode/utf8"
)

// Printer is the one writer through which every byte goes to a terminal. It escapes, wherever the text comes from, the
// characters that Escape escapes, except for the ends of lines, and one character of each command that a CI system
// would execute (see commandScanner). Nothing is dropped, so that a reader sees what the text contains.
//
// After a broken pipe it discards the text without an error, so that the writer can complete. Its zero value is not usable;
// NewPrinter and NewDataPrinter return one. It is safe for concurrent use.
type Printer struct {
	mu sync.Mutex
	to io.Writer
	// commandsOnly reports that only commands of CI systems are escaped.
	commandsOnly bool
	// brokenPipe reports that the reader has closed the pipe.
	brokenPipe bool
	// pending are the first bytes of an incomplete character, or a carriage return that may be part of the end of a
	// line.
	pending []byte
	scanner commandScanner
}

// NewPrinter returns a printer of text to w.
func NewPrinter(w io.Writer) *Printer { return &Printer{to: w} }

// NewDataPrinter returns a printer of data to w. It escapes commands of CI systems and nothing else.
func NewDataPrinter(w io.Writer) *Printer { return &Printer{to: w, commandsOnly: true} }

// Write implements io.Writer. The error is that of the underlying writer, except for a broken pipe.
func (p *Printer) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(text), p.send(p.append(nil, text, false))
}

// Close writes the pending bytes, if the text ends within a character. The printer remains usable.
func (p *Printer) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.send(p.append(nil, nil, true))
}

func (p *Printer) send(text []byte) error {
	if p.brokenPipe || len(text) == 0 {
		return nil
	}
	_, err := p.to.Write(text)
	if errors.Is(err, syscall.EPIPE) {
		p.brokenPipe = true
		return nil
	}
	return err
}

// append appends the escaped text to out. Unless it is the end, it keeps an incomplete character pending.
func (p *Printer) append(out, text []byte, end bool) []byte {
	if len(p.pending) > 0 {
		text = append(p.pending, text...)
		p.pending = nil
	}
	for len(text) > 0 {
		if !end && (!utf8.FullRune(text) || !p.commandsOnly && string(text) == "\r") {
			p.pending = append(p.pending, text...)
			return out
		}
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '\n':
			out = append(out, '\n')
			p.scanner = commandScanner{}
		case p.scanner.completes(r):
			out = fmt.Appendf(out, `\x%02x`, r)
		case p.commandsOnly:
			out = append(out, text[:size]...)
			if r == '\r' { // for CI systems, it ends a line, too
				p.scanner = commandScanner{}
			}
		case r == '\r' && len(text) > 1 && text[1] == '\n':
		case r == utf8.RuneError && size == 1:
			out = fmt.Appendf(out, `\x%02x`, text[0])
		default:
			out = append(out, escapeRune(r)...)
		}
		text = text[size:]
	}
	return out
}
