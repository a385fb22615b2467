package mask

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// TestWriter: a writer takes secrets out of a stream however it is cut, and says when it could not write.
func TestWriter(t *testing.T) {
	var secrets Secrets
	secrets.Add("hunter22")
	var out strings.Builder
	w := NewWriter(&secrets, &out)
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{strings.NewReader("it is hunter22\nand hunt")}, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil || out.String() != "it is ***\nand hunt" {
		t.Errorf("%q, %v", out.String(), err)
	}

	full := errors.New("no space left on device")
	w = NewWriter(&secrets, failing{full})
	if _, err := w.Write([]byte("a line\n")); !errors.Is(err, full) {
		t.Error(err)
	}
	if err := w.Close(); !errors.Is(err, full) {
		t.Error(err)
	}
}

// failing is a writer to which nothing can be written.
type failing struct{ error }

func (f failing) Write([]byte) (int, error) { return 0, f.error }
