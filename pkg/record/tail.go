package record

import (
	"bytes"
	"fmt"
)

// maxLog is the largest size of a step's log, maxHead the part of it that is the beginning of the output.
const (
	maxLog  = 64 << 10
	maxHead = 16 << 10
)

// tail keeps the beginning and the end of a text, in whole lines if it has any.
type tail struct {
	head []byte
	// end is the text after the head. It may be up to twice as long as the part that is kept.
	end []byte
	// dropped is the number of bytes that were left out.
	dropped int
}

// write appends to the text.
func (t *tail) write(data []byte) {
	if room := maxHead - len(t.head); room > 0 && len(t.end) == 0 {
		n := min(room, len(data))
		t.head = append(t.head, data[:n]...)
		data = data[n:]
	}
	t.end = append(t.end, data...)
	if keep := maxLog - maxHead; len(t.end) > 2*keep {
		t.cut(keep)
	}
}

// cut removes the beginning of the end, up to the end of a line.
func (t *tail) cut(keep int) {
	out := len(t.end) - keep
	if line := bytes.IndexByte(t.end[out:], '\n'); line >= 0 && line+1 < keep {
		out += line + 1
	}
	t.dropped += out
	t.end = append(t.end[:0], t.end[out:]...)
}

// text returns the kept parts, with a line between them that says how much is missing.
func (t *tail) text() []byte {
	if keep := maxLog - maxHead; len(t.end) > keep {
		t.cut(keep)
	}
	if t.dropped == 0 {
		return append(bytes.Clone(t.head), t.end...)
	}
	text := bytes.Clone(t.head)
	if !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, '\n')
	}
	text = fmt.Appendf(text, "[%d bytes omitted]\n", t.dropped)
	return append(text, t.end...)
}
