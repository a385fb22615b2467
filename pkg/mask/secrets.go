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

// Placeholder is shown in place of a secret.
const Placeholder = "***"

// Secrets are texts that must not be shown. The zero value has none. It is safe for concurrent use.
type Secrets struct {
	mu   sync.RWMutex
	tree tree
	// Also receives all secrets that are added here; it may be nil.
	Also *Secrets
}

// Add adds a value as secret: each line of a text, and every text in an object or a list.
func (m *Secrets) Add(v any) {
	all := lines(v, 1)
	m.addLines(all)
	if m.Also != nil {
		m.Also.addLines(all)
	}
}

const (
	// minValue and minLine are the least bytes that a value of a Secret, or a line of a value with several lines, must have
	// to be replaced: shorter ones are ports, flags and words.
	minValue = 6
	minLine  = 8
)

// AddValues adds the values of Secrets: values that are text and, in JSON values, each text.
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

// Reveals reports whether a value contains a secret.
func (m *Secrets) Reveals(v any) bool {
	return slices.ContainsFunc(lines(v, 1), func(line string) bool { return m.Text(line) != line })
}

// lines returns the lines of the texts in a value that have at least shortest bytes.
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

// addLines adds texts as secrets, and their forms inside a longer text in base64.
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

// minEncoded is the least number of characters of a secret in base64 that are recognised.
const minEncoded = 6

// encoded returns the base64 forms of a secret, independent of the text around it: for each of the three offsets in a group
// of three bytes, the characters that depend on the secret alone.
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

// cut returns b without secrets, up to where an incomplete secret could begin, and the rest. masked reports whether a secret
// was replaced. Of the secrets that begin at one place the longest is replaced.
func (m *Secrets) cut(b []byte) (shown, rest []byte, masked bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.tree.replace(b, true)
}

// empty reports whether there are no secrets yet.
func (m *Secrets) empty() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return !m.tree.any
}

// Bytes returns b without secrets; b itself when it contains none.
func (m *Secrets) Bytes(b []byte) []byte {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if !m.tree.any {
		return b
	}
	shown, _, _ := m.tree.replace(b, false)
	return shown
}
