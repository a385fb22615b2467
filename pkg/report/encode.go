package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	yaml3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// JSON writes an object as indented JSON, with the escapes of EscapeJSON.
func JSON(w io.Writer, object any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(object); err != nil {
		return err
	}
	_, err := w.Write(EscapeJSON(b.Bytes()))
	return err
}

// YAML writes an object as YAML, with the keys of its JSON and the escapes of EscapeYAML.
func YAML(w io.Writer, object any) error {
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	// JSONToYAML is a YAML parser, which refuses characters such as U+009B unless they are escaped.
	if text, err = yaml.JSONToYAML(EscapeJSON(text)); err != nil {
		return err
	}
	if text, err = EscapeYAML(text); err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// EscapeJSON returns a JSON document with the same values and without characters and commands that a terminal, a log
// viewer or a CI system would interpret. These occur only in strings, where JSON can escape them.
func EscapeJSON(text []byte) []byte {
	return escapeDocument(text, func(r rune) string { return fmt.Sprintf(`\u%04x`, r) })
}

// EscapeYAML is EscapeJSON for YAML. A document with such characters is encoded again, with double quotes around the
// strings that have them; any other is returned unchanged. The error is that of a text that is not YAML.
func EscapeYAML(text []byte) ([]byte, error) {
	if isPlain(text) {
		return text, nil
	}
	var document yaml3.Node
	if err := yaml3.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	quoteStrings(&document)
	var b bytes.Buffer
	encoder := yaml3.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return nil, err
	}
	return escapeDocument(b.Bytes(), func(r rune) string {
		if r < 0x100 {
			return fmt.Sprintf(`\x%02x`, r)
		}
		return fmt.Sprintf(`\u%04x`, r)
	}), nil
}

// quoteStrings puts double quotes around the strings that are not plain.
func quoteStrings(n *yaml3.Node) {
	if n.Kind == yaml3.ScalarNode && !isPlain([]byte(n.Value)) {
		n.Style = yaml3.DoubleQuotedStyle
	}
	for _, child := range n.Content {
		quoteStrings(child)
	}
}

// isPlain reports whether a Printer changes nothing in a text.
func isPlain(text []byte) bool {
	var b bytes.Buffer
	p := NewPrinter(&b)
	_, _ = p.Write(text)
	_ = p.Close()
	return bytes.Equal(b.Bytes(), text)
}

// escapeDocument escapes what terminals and CI systems interpret in the strings of a document, with an escape of its format.
func escapeDocument(text []byte, escape func(rune) string) []byte {
	text = anywhereCommand.ReplaceAllFunc(text, func(found []byte) []byte { return append([]byte(escape('#')), found[1:]...) })
	var b bytes.Buffer
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r != '\n' && isControl(r) {
			b.WriteString(escape(r))
		} else {
			b.Write(text[:size])
		}
		text = text[size:]
	}
	return b.Bytes()
}
