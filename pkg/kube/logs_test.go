package kube

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestSkipper: lines read before are dropped, however the log is cut. A log that no longer has it is detected before
// anything of it is written.
func TestSkipper(t *testing.T) {
	const log = "one\ntwo\nthree\nfour\n"
	for name, c := range map[string]struct {
		position LogPosition
		log      string
		want     string
		err      error
	}{
		"nothing was read":         {LogPosition{}, log, log, nil},
		"a part was read":          {LogPosition{Bytes: 8, Tail: []byte("one\ntwo\n")}, log, "three\nfour\n", nil},
		"of which the end is kept": {LogPosition{Bytes: 8, Tail: []byte("two\n")}, log, "three\nfour\n", nil},
		"all was read":             {LogPosition{Bytes: int64(len(log)), Tail: []byte("four\n")}, log, "", nil},
		"the log is another one":   {LogPosition{Bytes: 8, Tail: []byte("two\n")}, "five\nsix\nseven\n", "", ErrRotated},
		"the log is shorter":       {LogPosition{Bytes: 8, Tail: []byte("two\n")}, "one\n", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, reader := range []io.Reader{strings.NewReader(c.log), iotest.OneByteReader(strings.NewReader(c.log)), iotest.HalfReader(strings.NewReader(c.log))} {
				var got bytes.Buffer
				_, err := io.Copy(&skipper{Writer: &got, position: c.position}, reader)
				if !errors.Is(err, c.err) || got.String() != c.want {
					t.Errorf("got %q, %v; want %q, %v", got.String(), err, c.want, c.err)
				}
			}
		})
	}
}
