package report

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// Plain is the one way out for text: a writer that leaves nothing in it that a terminal, a log viewer or a CI
// system would obey, whoever has written it. What Escape writes out, it writes out, but for the ends of lines; and
// of a command of a CI system one character, so that a reader sees what is there:
//
//   - "::error …" and its like, at the beginning of a line, which GitHub Actions obeys (actions/runner,
//     ActionCommand.TryParseV2, which skips white space first);
//   - "##[error]", "##vso[task.setvariable …]", "##teamcity[…]", anywhere in a line (azure-pipelines-agent,
//     Command.TryParse; actions/runner, ActionCommand.TryParse). These search as their culture compares, which
//     does not see format characters such as a soft hyphen.
//
// That nobody reads any more is no error: what writes is to come to its end all the same. Its zero value is not
// usable; NewPlain returns one. It may be used by several goroutines.
type Plain struct {
	mu sync.Mutex
	to io.Writer
	// only has it write out commands of CI systems and nothing else.
	only bool
	gone bool
	// rest are the first bytes of a character whose others are still to come, or a carriage return that may belong
	// to the end of a line.
	rest []byte
	line lineState
}

// NewPlain returns a writer of text to w.
func NewPlain(w io.Writer) *Plain { return &Plain{to: w} }

// NewTame returns a writer of data to w, in which commands of CI systems are written out and all else is as it is.
func NewTame(w io.Writer) *Plain { return &Plain{to: w, only: true} }

// Write implements io.Writer.
func (p *Plain) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(text), p.send(p.append(nil, text, false))
}

// Close writes what was kept back, should the text end in the middle of a character. The writer stays usable.
func (p *Plain) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.send(p.append(nil, nil, true))
}

// Gone reports whether nobody reads any more what is written.
func (p *Plain) Gone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

func (p *Plain) send(text []byte) error {
	if p.gone || len(text) == 0 {
		return nil
	}
	_, err := p.to.Write(text)
	if errors.Is(err, syscall.EPIPE) {
		p.gone = true
		return nil
	}
	return err
}

// append appends to out what there is to show of text. At the end nothing is kept back.
func (p *Plain) append(out, text []byte, end bool) []byte {
	if len(p.rest) > 0 {
		text = append(p.rest, text...)
		p.rest = nil
	}
	for len(text) > 0 {
		if !end && (!utf8.FullRune(text) || !p.only && string(text) == "\r") {
			p.rest = append(p.rest, text...)
			return out
		}
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '\n':
			out = append(out, '\n')
			p.line = lineState{}
		case p.line.commands(r):
			out = fmt.Appendf(out, `\x%02x`, r)
		case p.only:
			out = append(out, text[:size]...)
			if r == '\r' { // which ends a line too
				p.line = lineState{}
			}
		case r == '\r' && len(text) > 1 && text[1] == '\n':
		case r == utf8.RuneError && size == 1:
			out = fmt.Appendf(out, `\x%02x`, text[0])
		default:
			out = append(out, written(r)...)
		}
		text = text[size:]
	}
	return out
}

// written returns a character as it is shown.
func written(r rune) string {
	switch {
	case !obeyed(r):
		return string(r)
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	}
	return fmt.Sprintf(`\u{%04x}`, r)
}

// lineState is what a line has been up to a character, as far as a CI system's commands go.
type lineState struct {
	// begun reports that something but white space was there; colons counts those that it began with.
	begun  bool
	colons int
	// signs counts the number signs of which the last characters are, word that letters follow them.
	signs int
	word  bool
}

// commands takes the next character of the line and reports whether it would complete what a CI system takes for
// a command.
func (l *lineState) commands(r rune) bool {
	if unicode.Is(unicode.Cf, r) {
		return false // not seen by whoever searches for commands
	}
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	opens := r == '[' && l.signs >= 2 || letter && l.colons == 2
	switch {
	case r == '#' && !l.word:
		l.signs++
	case r == '#':
		l.signs, l.word = 1, false
	case letter && l.signs >= 2:
		l.word = true
	default:
		l.signs, l.word = 0, false
	}
	switch {
	case r == ':' && (!l.begun || l.colons == 1):
		l.colons++
	default:
		l.colons = 0
	}
	l.begun = l.begun || !unicode.IsSpace(r)
	return opens
}
