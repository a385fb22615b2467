package release

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type renderer func(*bytes.Buffer) (*bytes.Buffer, error)

func (r renderer) Run(b *bytes.Buffer) (*bytes.Buffer, error) { return r(b) }

func TestExclude(t *testing.T) {
	const rendered = "---\n# Source: a\napiVersion: v1\nkind: Secret # kept as it is\nstringData: {a: |-\n  x}\n---\n# Source: b\napiVersion: x.io/v1\nkind: Held\n---\napiVersion: x.io/v1\nkind: Other\n---\nnot: {yaml\n"
	e := &excluder{match: func(apiVersion, kind string) bool { return apiVersion == "x.io/v1" && kind == "Held" }}
	rest, err := e.Run(bytes.NewBufferString(rendered))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(rendered, "---\n# Source: b\napiVersion: x.io/v1\nkind: Held\n", "", 1)
	if diff := cmp.Diff(want, rest.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(e.excluded) != 1 || !strings.Contains(string(e.excluded[0]), "kind: Held") {
		t.Errorf("%q", e.excluded)
	}
	// The user's own post-renderer runs first, and its error is returned.
	e.next = renderer(func(*bytes.Buffer) (*bytes.Buffer, error) {
		return bytes.NewBufferString("apiVersion: x.io/v1\nkind: Held\n"), nil
	})
	if rest, err := e.Run(bytes.NewBufferString(rendered)); err != nil || rest.String() != "" || len(e.excluded) != 1 {
		t.Errorf("%q, error %v", rest, err)
	}
	e.next = renderer(func(*bytes.Buffer) (*bytes.Buffer, error) { return nil, errors.New("no") })
	if _, err := e.Run(bytes.NewBufferString(rendered)); err == nil {
		t.Error("no error")
	}
}

// TestExcludeAgain: a change that is prepared again excludes what the last preparation says.
func TestExcludeAgain(t *testing.T) {
	none := exclude(nil, func(string, string) bool { return false })
	again := exclude(none, func(string, string) bool { return true })
	if again.next != nil {
		t.Errorf("the excluder of the earlier preparation is still there: %v", again.next)
	}
	first := exclude(again, func(string, string) bool { return false })
	if first.match("v1", "Secret") {
		t.Error("the match of the earlier preparation is still used")
	}
}
