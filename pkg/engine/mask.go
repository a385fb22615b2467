package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Masked is what is shown in the place of a secret.
const Masked = "***"

// masker replaces secrets in texts. It is safe for concurrent use.
type masker struct {
	mu       sync.RWMutex
	secrets  []string
	replacer *strings.Replacer
}

// add makes a value a secret: each line of a text, and every text in an object or a list.
func (m *masker) add(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			m.add(e)
		}
	case []any:
		for _, e := range v {
			m.add(e)
		}
	case nil:
	default:
		for line := range strings.Lines(fmt.Sprint(v)) {
			m.addLine(strings.TrimSpace(line))
		}
	}
}

func (m *masker) addLine(secret string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if secret == "" || slices.Contains(m.secrets, secret) {
		return
	}
	m.secrets = append(m.secrets, secret)
	// The longest first, so that one that is part of another does not uncover the rest of it.
	slices.SortFunc(m.secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, s := range m.secrets {
		pairs = append(pairs, s, Masked)
	}
	m.replacer = strings.NewReplacer(pairs...)
}

// text returns s without secrets.
func (m *masker) text(s string) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.replacer == nil {
		return s
	}
	return m.replacer.Replace(s)
}

// bytes returns b without secrets; b itself when it has none.
func (m *masker) bytes(b []byte) []byte {
	m.mu.RLock()
	empty := m.replacer == nil
	m.mu.RUnlock()
	if empty {
		return b
	}
	return []byte(m.text(string(b)))
}
