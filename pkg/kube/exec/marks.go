package exec

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"sync"
)

// marks passes on a program's standard error without the lines of the script around it, which begin with the program's
// token.
type marks struct {
	to    io.Writer
	token string
	// acknowledge is called when the end of the program is read.
	acknowledge func()

	mu   sync.Mutex
	held []byte
	// known is closed when the process id is known.
	known chan struct{}
	pid   int
	// ended is set when the script has reported the end of the program. code is the exit code when the script reports
	// it itself. trace is "none" or "gone" when files of the program are missing.
	ended bool
	code  *int
	trace string
}

func newMarks(to io.Writer, token string, acknowledge func()) *marks {
	return &marks{to: to, token: token, acknowledge: acknowledge, known: make(chan struct{})}
}

// maxMark is the largest length of a line of the script, in bytes.
const maxMark = 200

// Write passes on all data except for the lines of the script.
func (m *marks) Write(data []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held = append(m.held, data...)
	begin := []byte(m.token + " ")
	for {
		at := bytes.Index(m.held, begin)
		if at < 0 {
			return len(data), m.pass(len(m.held) - partial(m.held, begin))
		}
		if err := m.pass(at); err != nil {
			return 0, err
		}
		line, rest, whole := bytes.Cut(m.held, []byte("\n"))
		switch {
		case !whole && len(m.held) < maxMark:
			return len(data), nil
		case whole && m.read(strings.Fields(string(line[len(begin):]))):
			m.held = rest
		default: // only the token is the same
			if err := m.pass(len(begin)); err != nil {
				return 0, err
			}
		}
	}
}

// partial returns how many bytes at the end of text may be the beginning of searched.
func partial(text, searched []byte) int {
	for n := min(len(searched)-1, len(text)); n > 0; n-- {
		if bytes.HasSuffix(text, searched[:n]) {
			return n
		}
	}
	return 0
}

// pass passes on the first n held bytes.
func (m *marks) pass(n int) error {
	if n == 0 {
		return nil
	}
	_, err := m.to.Write(m.held[:n])
	m.held = append(m.held[:0], m.held[n:]...)
	return err
}

// read parses a line of the script; false when it is none.
func (m *marks) read(words []string) bool {
	number := -1
	if len(words) == 2 {
		if n, err := strconv.Atoi(words[1]); err == nil {
			number = n
		}
	}
	switch {
	case len(words) == 2 && words[0] == "pid" && number >= 0 && m.pid == 0:
		if m.pid = number; number > 0 {
			close(m.known)
		}
		return true
	case len(words) == 2 && words[0] == "code" && number >= 0:
		m.code = &number
	case len(words) == 1 && words[0] == "end":
	case len(words) == 1 && (words[0] == "none" || words[0] == "gone"):
		m.trace = words[0]
		return true
	default:
		return false
	}
	m.ended = true
	m.acknowledge()
	return true
}

// flush passes on the held bytes.
func (m *marks) flush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = m.pass(len(m.held))
}

// started reports whether the process id is known.
func (m *marks) started() bool {
	select {
	case <-m.known:
		return true
	default:
		return false
	}
}

// id returns the process id. It may be called only after known is closed.
func (m *marks) id() int { return m.pid }
