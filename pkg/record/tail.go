package record

import (
	"bytes"
	"fmt"
)

// maxLog is how much of what a step prints is kept, maxHead how much of that is its beginning.
const (
	maxLog  = 64 << 10
	maxHead = 16 << 10
)

// tail keeps the beginning and the end of a text, in whole lines where it has any.
type tail struct {
	head []byte
	// end is what came after the head; it may be up to twice as long as what is kept of it.
	end []byte
	// left is how many bytes were left out.
	left int
}

// write takes more of the text.
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

// cut leaves out the beginning of the end, up to the end of a line.
func (t *tail) cut(keep int) {
	out := len(t.end) - keep
	if line := bytes.IndexByte(t.end[out:], '\n'); line >= 0 && line+1 < keep {
		out += line + 1
	}
	t.left += out
	t.end = append(t.end[:0], t.end[out:]...)
}

// text returns what is kept, with a line that tells how much is missing.
func (t *tail) text() []byte {
	if keep := maxLog - maxHead; len(t.end) > keep {
		t.cut(keep)
	}
	if t.left == 0 {
		return append(bytes.Clone(t.head), t.end...)
	}
	text := bytes.Clone(t.head)
	if !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, '\n')
	}
	text = fmt.Appendf(text, "[%d bytes left out]\n", t.left)
	return append(text, t.end...)
}
