package engine

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Masked is what is shown in the place of a secret.
const Masked = "***"

// masker replaces secrets in texts. It is safe for concurrent use.
type masker struct {
	mu      sync.RWMutex
	secrets secrets
	// also has what is added here, too; may be nil.
	also *masker
}

// add makes a value a secret: each line of a text, and every text in an object or a list.
func (m *masker) add(v any) {
	all := lines(v, 1)
	m.addLines(all)
	if m.also != nil {
		m.also.addLines(all)
	}
}

const (
	// minValue and minLine are how many bytes a value of a Secret, or a line of one that has several, must
	// have to be taken out of what is shown: shorter ones are ports, flags and words.
	minValue = 6
	minLine  = 8
)

// addValues makes the values of Secrets secrets: those that are text, and in those that are JSON each text.
func (m *masker) addValues(values []string) {
	var all []string
	for _, v := range values {
		var object map[string]any
		switch {
		case !utf8.ValidString(v):
			continue
		case json.Unmarshal([]byte(v), &object) == nil:
			all = append(all, lines(object, minValue)...)
		case strings.Contains(strings.TrimSpace(v), "\n"):
			all = append(all, slices.DeleteFunc(lines(v, minLine), func(line string) bool { return strings.HasPrefix(line, "-----") })...)
			continue
		}
		all = append(all, lines(v, minValue)...)
	}
	m.addLines(all)
}

// reveals reports whether a secret is in a value.
func (m *masker) reveals(v any) bool {
	return slices.ContainsFunc(lines(v, 1), func(line string) bool { return m.text(line) != line })
}

// lines returns the lines of the texts in a value that are not shorter than so many bytes.
func lines(v any, shortest int) []string {
	var all []string
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			all = append(all, lines(e, shortest)...)
		}
	case []any:
		for _, e := range v {
			all = append(all, lines(e, shortest)...)
		}
	case nil:
	default:
		for line := range strings.Lines(fmt.Sprint(v)) {
			if line = strings.TrimSpace(line); len(line) >= shortest {
				all = append(all, line)
			}
		}
	}
	return all
}

// addLines makes texts secrets, also as base64 has them inside a longer one.
func (m *masker) addLines(all []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, secret := range all {
		if !m.secrets.add(secret) {
			continue
		}
		for _, text := range encoded(secret) {
			m.secrets.add(text)
		}
	}
}

// minEncoded is how long what is left of a secret in base64 must be to count as the secret.
const minEncoded = 6

// encoded returns what base64 makes of a secret, whatever stands before and after it: of each of the three
// ways in which it can be cut into groups of three bytes, the characters that depend on it alone.
func encoded(secret string) []string {
	var all []string
	for before := range 3 {
		text := base64.StdEncoding.EncodeToString(append(make([]byte, before), secret...))
		first := (before*8 + 5) / 6
		last := (before + len(secret)) * 8 / 6
		if last-first < minEncoded {
			continue
		}
		text = text[first:last]
		all = append(all, text)
		if url := strings.NewReplacer("+", "-", "/", "_").Replace(text); url != text {
			all = append(all, url)
		}
	}
	return all
}

// text returns s without secrets.
func (m *masker) text(s string) string { return string(m.bytes([]byte(s))) }

// cut returns b without secrets, up to where one could begin that is not complete yet; rest is what
// follows, and hid reports that there was one. Of the secrets that begin at one place the longest counts.
func (m *masker) cut(b []byte) (shown, rest []byte, hid bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.secrets.hide(b, true)
}

// empty reports whether there are no secrets yet.
func (m *masker) empty() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return !m.secrets.any
}

// bytes returns b without secrets; b itself when it has none.
func (m *masker) bytes(b []byte) []byte {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if !m.secrets.any {
		return b
	}
	shown, _, _ := m.secrets.hide(b, false)
	return shown
}

// veil takes secrets out of what a task prints, also when they come in parts: the end of an unfinished
// line that could be the beginning of one is held back. It is safe for concurrent use.
type veil struct {
	masks *masker
	next  task.Sink

	mu   sync.Mutex
	held map[origin]task.Output
	// hid reports that a secret was taken out of standard output.
	hid bool
}

// origin is where output comes from.
type origin struct {
	target string
	stream task.Stream
}

// pass is a task.Sink.
func (v *veil) pass(o task.Output) {
	if v.masks.empty() {
		v.next(o)
		return
	}
	v.mu.Lock()
	from := origin{o.Target, o.Stream}
	if held, has := v.held[from]; has {
		o.Data = append(held.Data, o.Data...)
		delete(v.held, from)
	}
	unfinished := len(o.Data) > 0 && o.Data[len(o.Data)-1] != '\n'
	shown, rest, hid := v.masks.cut(o.Data)
	v.hid = v.hid || hid && o.Stream == task.Stdout
	if unfinished && len(rest) > 0 {
		if v.held == nil {
			v.held = map[origin]task.Output{}
		}
		v.held[from] = task.Output{Target: o.Target, Stream: o.Stream, Data: bytes.Clone(rest)}
		o.Data = shown
	} else {
		shown = append(shown, rest...)
		o.Data = shown
	}
	v.mu.Unlock()
	if len(o.Data) > 0 {
		v.next(o)
	}
}

// flush passes on what is held back, and reports whether a secret was taken out of standard output.
func (v *veil) flush() (hid bool) {
	v.mu.Lock()
	held := v.held
	v.held = nil
	for from, o := range held {
		shown := v.masks.bytes(o.Data)
		v.hid = v.hid || o.Stream == task.Stdout && !bytes.Equal(shown, o.Data)
		o.Data = shown
		held[from] = o
	}
	hid = v.hid
	v.mu.Unlock()
	for _, o := range held {
		v.next(o)
	}
	return hid
}
