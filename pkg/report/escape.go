package report

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Escape returns the text with every character that a terminal or a log viewer might obey
// written out: control characters (C0 but tab, DEL, C1) and bytes that are not UTF-8 as \xNN,
// characters that change the writing direction as \u{NNNN}. Text from pods and charts is data,
// and so that a reader sees what is there, nothing is dropped.
func Escape(text []byte) []byte {
	if clean(text) {
		return text
	}
	var b bytes.Buffer
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02x`, text[0])
		} else {
			b.WriteString(written(r))
		}
		text = text[size:]
	}
	return b.Bytes()
}

func clean(text []byte) bool {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 || obeyed(r) {
			return false
		}
		text = text[size:]
	}
	return true
}

// obeyed reports whether r is an instruction rather than a character to show.
func obeyed(r rune) bool {
	return r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029')
}
