package lines

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// collect writes the pieces, and returns those that the sink received.
func collect(pieces ...string) []string {
	var got []string
	w := NewWriter("pod", task.Stderr, func(o task.Output) {
		if o.Target != "pod" || o.Stream != task.Stderr {
			panic("wrong origin")
		}
		got = append(got, string(o.Data))
	})
	for _, p := range pieces {
		_, _ = w.Write([]byte(p))
	}
	w.Flush()
	return got
}

func TestWriter(t *testing.T) {
	long := strings.Repeat("x", maxHeld)
	tests := []struct {
		name   string
		pieces []string
		want   []string
	}{
		{"nothing", nil, nil},
		{"a line", []string{"a\n"}, []string{"a\n"}},
		{"lines in one write stay one piece", []string{"a\nb\n"}, []string{"a\nb\n"}},
		{"a line in parts", []string{"a", "b", "c\n"}, []string{"abc\n"}},
		{"the end of one line and the start of another", []string{"a", "b\nc\nd", "\n"}, []string{"ab\n", "c\n", "d\n"}},
		{"no final newline", []string{"a\nb"}, []string{"a\n", "b"}},
		{"a long line continues in pieces", []string{long, long, "\n"}, []string{long, long + "\n"}},
		{"binary", []string{"\x00\xff\n\x01"}, []string{"\x00\xff\n", "\x01"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, collect(tt.pieces...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWriterKeepsEveryByte writes random text in random pieces, ten MiB of it in one line.
func TestWriterKeepsEveryByte(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var written, got bytes.Buffer
	w := NewWriter("", task.Stdout, func(o task.Output) {
		if len(o.Data) > 3*maxHeld {
			t.Fatalf("a piece of %d bytes", len(o.Data))
		}
		got.Write(o.Data)
	})
	for written.Len() < 12<<20 {
		piece := make([]byte, random.IntN(2*maxHeld))
		for i := range piece {
			piece[i] = byte(random.UintN(256))
			if written.Len() < 10<<20 && piece[i] == '\n' {
				piece[i] = ' '
			}
		}
		written.Write(piece)
		_, _ = w.Write(piece)
	}
	w.Flush()
	if !bytes.Equal(written.Bytes(), got.Bytes()) {
		t.Error("the pieces are not what was written")
	}
}

// FuzzWriter: however a stream is cut into pieces, the pieces that are passed on are the same stream, in complete lines
// except for those that are too long.
func FuzzWriter(f *testing.F) {
	f.Add([]byte("a\nb"), uint16(1))
	f.Add([]byte(strings.Repeat("x", 100)+"\n\n\r\n"), uint16(7))
	f.Fuzz(func(t *testing.T, data []byte, size uint16) {
		var pieces []string
		for piece := range slices.Chunk(data, 1+int(size)) {
			pieces = append(pieces, string(piece))
		}
		got := collect(pieces...)
		if whole := strings.Join(got, ""); whole != string(data) {
			t.Errorf("%q became %q", data, whole)
		}
		for i, piece := range got {
			if i < len(got)-1 && !strings.HasSuffix(piece, "\n") && len(data) < maxHeld {
				t.Errorf("piece %q of %q ends in the middle of a line", piece, data)
			}
		}
	})
}
