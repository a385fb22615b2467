package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"unicode/utf8"

	yaml3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// JSON writes any object of this package as indented JSON; see SafeJSON.
func JSON(w io.Writer, object any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(object); err != nil {
		return err
	}
	_, err := w.Write(SafeJSON(b.Bytes()))
	return err
}

// YAML writes any object of this package as YAML with the keys of its JSON; see SafeYAML.
func YAML(w io.Writer, object any) error {
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	// With escapes, because YAML's reader refuses characters such as U+009B.
	if text, err = yaml.JSONToYAML(SafeJSON(text)); err != nil {
		return err
	}
	if text, err = SafeYAML(text); err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// command is what CI systems obey anywhere in a line (see Plain).
var command = regexp.MustCompile(`#\p{Cf}*#\p{Cf}*[a-zA-Z\p{Cf}]*\[`)

// SafeJSON returns a JSON document with the same values in which nothing is left that a terminal, a log viewer or
// a CI system would obey: such characters can stand in strings only, where JSON has an escape for each.
func SafeJSON(text []byte) []byte {
	return withEscapes(text, func(r rune) string { return fmt.Sprintf(`\u%04x`, r) })
}

// SafeYAML is SafeJSON for YAML. A document with such characters is written anew, with the texts that have them
// in double quotes; any other is returned as it is. The error is that of a text that is no YAML.
func SafeYAML(text []byte) ([]byte, error) {
	if harmless(text) {
		return text, nil
	}
	var document yaml3.Node
	if err := yaml3.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	quote(&document)
	var b bytes.Buffer
	encoder := yaml3.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return nil, err
	}
	return withEscapes(b.Bytes(), func(r rune) string {
		if r < 0x100 {
			return fmt.Sprintf(`\x%02x`, r)
		}
		return fmt.Sprintf(`\u%04x`, r)
	}), nil
}

// quote has the texts that are not harmless stand in double quotes.
func quote(n *yaml3.Node) {
	if n.Kind == yaml3.ScalarNode && !harmless([]byte(n.Value)) {
		n.Style = yaml3.DoubleQuotedStyle
	}
	for _, child := range n.Content {
		quote(child)
	}
}

// harmless reports whether nobody obeys anything in a text of several lines.
func harmless(text []byte) bool {
	var b bytes.Buffer
	p := NewPlain(&b)
	_, _ = p.Write(text)
	_ = p.Close()
	return bytes.Equal(b.Bytes(), text)
}

// withEscapes returns a document with what is obeyed in its strings replaced by the escapes of its format.
func withEscapes(text []byte, escape func(rune) string) []byte {
	text = command.ReplaceAllFunc(text, func(found []byte) []byte { return append([]byte(escape('#')), found[1:]...) })
	var b bytes.Buffer
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r != '\n' && obeyed(r) {
			b.WriteString(escape(r))
		} else {
			b.Write(text[:size])
		}
		text = text[size:]
	}
	return b.Bytes()
}
