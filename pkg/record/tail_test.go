package record

import (
	"bytes"
	"fmt"
	"testing"
)

// TestTail: the beginning and the end of a text are kept, with the number of bytes between them.
func TestTail(t *testing.T) {
	var (
		short tail
		long  tail
		all   bytes.Buffer
	)
	short.write([]byte("a\nb"))
	if got := string(short.text()); got != "a\nb" {
		t.Errorf("%q", got)
	}
	for i := range 20000 {
		line := fmt.Sprintf("line %d\n", i)
		all.WriteString(line)
		long.write([]byte(line))
	}
	text := long.text()
	head, rest, _ := bytes.Cut(text, []byte("["))
	var left int
	if _, err := fmt.Sscanf(string(rest), "%d bytes omitted]\n", &left); err != nil {
		t.Fatal(err)
	}
	_, end, _ := bytes.Cut(rest, []byte("]\n"))
	// A line that the head cuts off is completed with a line break.
	if !bytes.HasPrefix(all.Bytes(), bytes.TrimSuffix(head, []byte("\n"))) || !bytes.HasSuffix(all.Bytes(), end) || !bytes.HasPrefix(end, []byte("line ")) {
		t.Errorf("%q … %q", head[len(head)-20:], end[:20])
	}
	if got := len(bytes.TrimSuffix(head, []byte("\n"))) + left + len(end); got != all.Len() || len(text) > maxLog+100 {
		t.Errorf("%d bytes of %d are accounted for, %d kept", got, all.Len(), len(text))
	}
}
