package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

var printerTexts = []struct{ name, text, want string }{
	{"ordinary text", "größe\t日本\nnext 50 % [x] # y\n## Notes\n", "größe\t日本\nnext 50 % [x] # y\n## Notes\n"},
	{"no end of line", "go on? [y/N] ", "go on? [y/N] "},
	{"control sequences", "\x1b[31mred\x1b]0;mine\a\u009b1m\n", `\x1b[31mred\x1b]0;mine\x07\x9b1m` + "\n"},
	{"writing direction", "a\u202eb\u2066c\u2028d\n", `a\u{202e}b\u{2066}c\u{2028}d` + "\n"},
	{"a carriage return", "100%\rok\n", `100%\x0dok` + "\n"},
	{"line ends of Windows", "a\r\nb\r\n", "a\nb\n"},
	{"a carriage return at the end", "a\r", `a\x0d`},
	{"not UTF-8", "a\xff\xc3", `a\xff\xc3`},
	{"GitHub", "::error::x\n  ::add-mask::y\n\u00a0::set-output name=a::b\n", `::\x65rror::x` + "\n" + `  ::\x61dd-mask::y` + "\n\u00a0" + `::\x73et-output name=a::b` + "\n"},
	{"colons that are no command", "a ::error::\n::1 localhost\nstd::cout\n:::x\n", "a ::error::\n::1 localhost\nstd::cout\n:::x\n"},
	{"GitHub's older form", "a ##[error]x\n", `a ##\x5berror]x` + "\n"},
	{"Azure Pipelines", "x ##vso[task.setvariable variable=PATH]/tmp ##VSO[a]\n", `x ##vso\x5btask.setvariable variable=PATH]/tmp ##VSO\x5ba]` + "\n"},
	{"more number signs", "###vso[ # # [ ##a#[ ##a##[\n", `###vso\x5b # # [ ##a#[ ##a##\x5b` + "\n"},
	{"TeamCity", "##teamcity[buildStop]\n", `##teamcity\x5bbuildStop]` + "\n"},
	{"characters that do not count", "#\u00ad#v\u200bso[a] \u200b::error::\n:\u00ad:error::\n", "#\u00ad#v\u200bso\\x5ba] \u200b::error::\n:\u00ad:\\x65rror::\n"},
}

func TestPrinter(t *testing.T) {
	for _, tt := range printerTexts {
		t.Run(tt.name, func(t *testing.T) {
			var whole, pieces bytes.Buffer
			printer := NewPrinter(&whole)
			_, _ = printer.Write([]byte(tt.text))
			_ = printer.Close()
			if diff := cmp.Diff(tt.want, whole.String()); diff != "" {
				t.Error(diff)
			}
			printer = NewPrinter(&pieces)
			for i := range len(tt.text) {
				_, _ = printer.Write([]byte{tt.text[i]})
			}
			_ = printer.Close()
			if diff := cmp.Diff(tt.want, pieces.String()); diff != "" {
				t.Errorf("byte by byte: %s", diff)
			}
		})
	}
}

// TestDataPrinter: only commands of CI systems are changed in data.
func TestDataPrinter(t *testing.T) {
	var got bytes.Buffer
	printer := NewDataPrinter(&got)
	_, _ = printer.Write([]byte("\x1b[0m\xff\r\n::error::x\r::error::y ##vso[a]\xc3"))
	_ = printer.Close()
	if want := "\x1b[0m\xff\r\n::\\x65rror::x\r::\\x65rror::y ##vso\\x5ba]\xc3"; got.String() != want {
		t.Errorf("%q, want %q", got.String(), want)
	}
}

// TestPrinterBrokenPipe: a broken pipe is not an error; other errors are returned.
func TestPrinterBrokenPipe(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	_ = read.Close()
	printer := NewPrinter(write)
	if _, err := printer.Write([]byte("x\n")); err != nil || !printer.brokenPipe {
		t.Errorf("%v, broken pipe %t", err, printer.brokenPipe)
	}
	full := NewPrinter(failing{&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}})
	if _, err := full.Write([]byte("x\n")); !errors.Is(err, syscall.ENOSPC) || full.brokenPipe {
		t.Errorf("%v, broken pipe %t", err, full.brokenPipe)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestEncode: JSON and YAML have the same values, and nothing in them is interpreted.
func TestEncode(t *testing.T) {
	for _, tt := range printerTexts {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.ToValidUTF8(tt.text, "\ufffd")
			for _, value := range []any{
				map[string]any{"a": text, text: []any{text, 1.5, true, nil}},
				map[string]any{"a": "x\n" + text, "b": strings.TrimSpace(text)},
			} {
				var j, y bytes.Buffer
				if err := errors.Join(JSON(&j, value), YAML(&y, value)); err != nil {
					t.Fatal(err)
				}
				for format, document := range map[string][]byte{"JSON": j.Bytes(), "YAML": y.Bytes()} {
					checkHarmless(t, format, string(document))
					var back any
					if err := yaml.Unmarshal(document, &back); err != nil {
						t.Fatalf("%s: %v\n%s", format, err, document)
					}
					if diff := cmp.Diff(value, back); diff != "" {
						t.Errorf("%s: %s\n%s", format, diff, document)
					}
				}
				if !json.Valid(j.Bytes()) {
					t.Errorf("no JSON: %s", &j)
				}
			}
		})
	}
}

// interpretedText matches what no output may contain.
var interpretedText = regexp.MustCompile(`(?m)[\x00-\x08\x0b-\x1f\x7f-\x{9f}\x{061c}\x{200e}\x{200f}\x{2028}\x{2029}\x{202a}-\x{202e}\x{2066}-\x{2069}]|^[\s\p{Cf}]*:\p{Cf}*:\p{Cf}*[a-zA-Z]|#\p{Cf}*#[a-zA-Z\p{Cf}]*\[`)

func checkHarmless(t *testing.T, what, text string) {
	t.Helper()
	if found := interpretedText.FindString(text); found != "" || !utf8.ValidString(text) {
		t.Errorf("%s: %q in %q", what, found, text)
	}
}

func FuzzPrinter(f *testing.F) {
	for _, tt := range printerTexts {
		f.Add([]byte(tt.text), 1)
	}
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		var whole, pieces bytes.Buffer
		printer := NewPrinter(&whole)
		_, _ = printer.Write(text)
		_ = printer.Close()
		checkHarmless(t, "text", whole.String())
		cut = max(0, min(cut, len(text)))
		printer = NewPrinter(&pieces)
		_, _ = printer.Write(text[:cut])
		_, _ = printer.Write(text[cut:])
		_ = printer.Close()
		if !bytes.Equal(whole.Bytes(), pieces.Bytes()) {
			t.Errorf("%q, and in pieces %q", &whole, &pieces)
		}
		var again bytes.Buffer
		printer = NewPrinter(&again)
		_, _ = printer.Write(whole.Bytes())
		_ = printer.Close()
		if !bytes.Equal(whole.Bytes(), again.Bytes()) {
			t.Errorf("%q, and again %q", &whole, &again)
		}
		var b bytes.Buffer
		if err := JSON(&b, map[string]string{"a": string(text)}); err != nil {
			t.Fatal(err)
		}
		checkHarmless(t, "JSON", b.String())
	})
}
