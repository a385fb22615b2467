package report

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"plain text is left alone", "größe\t日本", "größe\t日本"},
		{"colours", "\x1b[31mred", `\x1b[31mred`},
		{"C1 introducer", "\u009b31m", `\x9b31m`},
		{"carriage return", "100%\rok", `100%\x0dok`},
		{"bell, delete, NUL", "\a\x7f\x00", `\x07\x7f\x00`},
		{"not UTF-8", "a\xffb", `a\xffb`},
		{"writing direction", "a\u202eb", `a\u{202e}b`},
		{"line separator", "a\u2028b", `a\u{2028}b`},
		{"a real replacement character", "\ufffd", "\ufffd"},
		{"workflow command of a CI system", "::error::x", "::error::x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(Escape([]byte(tt.text))); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzEscape(f *testing.F) {
	f.Add([]byte("a\x1b[0m\r\n\xff"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got := Escape(text)
		if !utf8.Valid(got) || strings.ContainsAny(string(got), "\x1b\r\n\x00\x7f\u009b\u202e") {
			t.Errorf("%q of %q", got, text)
		}
		if again := Escape(got); string(again) != string(got) {
			t.Errorf("escaped twice: %q, then %q", got, again)
		}
	})
}
