package mask

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Placeholder is what is shown in the place of a secret.
const Placeholder = "***"

// Secrets are texts that must not be shown. The zero value has none. It is safe for concurrent use.
type Secrets struct {
	mu   sync.RWMutex
	tree tree
	// Also has what is added here, too; may be nil.
	Also *Secrets
}

// Add makes a value a secret: each line of a text, and every text in an object or a list.
func (m *Secrets) Add(v any) {
	all := lines(v, 1)
	m.addLines(all)
	if m.Also != nil {
		m.Also.addLines(all)
	}
}

const (
	// minValue and minLine are how many bytes a value of a Secret, or a line of one that has several, must
	// have to be taken out of what is shown: shorter ones are ports, flags and words.
	minValue = 6
	minLine  = 8
)

// AddValues makes the values of Secrets secrets: those that are text, and in those that are JSON each text.
func (m *Secrets) AddValues(values []string) {
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

// Reveals reports whether a secret is in a value.
func (m *Secrets) Reveals(v any) bool {
	return slices.ContainsFunc(lines(v, 1), func(line string) bool { return m.Text(line) != line })
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
func (m *Secrets) addLines(all []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, secret := range all {
		if !m.tree.add(secret) {
			continue
		}
		for _, text := range encoded(secret) {
			m.tree.add(text)
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

// Text returns s without secrets.
func (m *Secrets) Text(s string) string { return string(m.Bytes([]byte(s))) }

// cut returns b without secrets, up to where one could begin that is not complete yet; rest is what
// follows, and hid reports that there was one. Of the secrets that begin at one place the longest counts.
func (m *Secrets) cut(b []byte) (shown, rest []byte, hid bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.tree.hide(b, true)
}

// empty reports whether there are no secrets yet.
func (m *Secrets) empty() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return !m.tree.any
}

// Bytes returns b without secrets; b itself when it has none.
func (m *Secrets) Bytes(b []byte) []byte {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if !m.tree.any {
		return b
	}
	shown, _, _ := m.tree.hide(b, false)
	return shown
}
