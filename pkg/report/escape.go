package report

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Escape returns the text with every character escaped that a terminal or a log viewer may interpret: control
// characters (C0 except for tab, DEL, C1) and bytes that are not UTF-8 as \xNN, characters that change the writing
// direction, and line separators, as \u{NNNN}. Nothing is dropped, so that a reader sees what the text contains.
func Escape(text []byte) []byte {
	if !needsEscape(text) {
		return text
	}
	var b bytes.Buffer
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02x`, text[0])
		} else {
			b.WriteString(escapeRune(r))
		}
		text = text[size:]
	}
	return b.Bytes()
}

func needsEscape(text []byte) bool {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 || isControl(r) {
			return true
		}
		text = text[size:]
	}
	return false
}

// escapeRune returns a character, escaped if it is a control character.
func escapeRune(r rune) string {
	switch {
	case !isControl(r):
		return string(r)
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	}
	return fmt.Sprintf(`\u{%04x}`, r)
}

// isControl reports whether a terminal or a log viewer interprets r, rather than showing it.
func isControl(r rune) bool {
	return r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029')
}
