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
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case !obeyed(r):
			b.Write(text[:size])
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u{%04x}`, r)
		}
		text = text[size:]
	}
	return b.Bytes()
}

// escapeLines is Escape for text of several lines, whose ends stay.
func escapeLines(text []byte) []byte {
	if clean(bytes.ReplaceAll(text, []byte("\n"), nil)) {
		return text
	}
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		body, ended := bytes.CutSuffix(line, []byte("\n"))
		b.Write(Escape(bytes.TrimSuffix(body, []byte("\r"))))
		if ended {
			b.WriteByte('\n')
		}
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
