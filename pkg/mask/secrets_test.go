package mask

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// printed returns the output of a filter for pieces.
func printed(m *Secrets, pieces ...[]byte) string {
	var b bytes.Buffer
	f := NewFilter(m, func(o task.Output) { b.Write(o.Data) })
	for _, p := range pieces {
		f.Pass(task.Output{Stream: task.Stdout, Data: bytes.Clone(p)})
	}
	f.Flush()
	return b.String()
}

// TestMask: a secret is never shown, whole or in parts, plain or in base64, whatever the text around it is.
func TestMask(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3)) //nolint:gosec // a test has to be repeatable
	for i := range 1000 {
		secret := make([]byte, 6+random.IntN(30))
		for i := range secret {
			secret[i] = byte('!' + random.IntN(90))
		}
		m := &Secrets{}
		m.Add(string(secret))
		before, after := strings.Repeat("b", random.IntN(5)), strings.Repeat("a", random.IntN(5))
		text := before + string(secret) + after
		for name, line := range map[string]string{
			"plain": text, "base64": base64.StdEncoding.EncodeToString([]byte(text)), "base64 of a URL": base64.URLEncoding.EncodeToString([]byte(text)),
		} {
			pieces := slices.Collect(slices.Chunk([]byte(line), 1+random.IntN(9)))
			got := printed(m, pieces...)
			if !strings.Contains(got, Placeholder) || strings.Contains(got, string(secret)) {
				t.Errorf("%d: %s of %q in %q is %q", i, name, secret, text, got)
			}
			if whole := printed(m, []byte(line)); whole != got {
				t.Errorf("%d: %s: in parts %q, whole %q", i, name, got, whole)
			}
		}
	}
}

// TestMaskValues: values of Secrets are replaced line by line, and in JSON text by text; short ones are not.
func TestMaskValues(t *testing.T) {
	m := &Secrets{}
	m.AddValues([]string{
		"5432", "hunter22", "-----BEGIN KEY-----\nMIIEvgIBADAN\nab\n-----END KEY-----\n", `{"token": "mytoken", "port": 80}`, "\xff\xfe\n",
	})
	for text, want := range map[string]string{
		"port 5432": "port 5432", "is hunter22.": "is ***.", "-----BEGIN KEY-----": "-----BEGIN KEY-----", " MIIEvgIBADAN": " ***", "ab": "ab",
		"token=mytoken": "token=***", "80": "80", `{"token": "mytoken", "port": 80}`: "***",
	} {
		if got := m.Text(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if !m.Reveals(map[string]any{"a": []any{"my hunter22"}}) || m.Reveals("hunter") {
		t.Error("what reveals a secret is not known")
	}
}

// TestSecrets: each line of a text, and every text in an object or a list, is a secret.
func TestSecrets(t *testing.T) {
	var m Secrets
	if got := m.Text("a"); got != "a" {
		t.Error(got)
	}
	m.Add("pass")
	m.Add("password\nsecond line\n\n")
	m.Add(map[string]any{"k": []any{"deep", 12.5, nil}})
	for text, want := range map[string]string{
		"my password": "my ***", "compass": "com***", "second line": "***", "deep 12.5": "*** ***", "k": "k",
	} {
		if got := string(m.Bytes([]byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzMask: however output is cut into pieces, the shown text is the same, and without secrets.
func FuzzMask(f *testing.F) {
	f.Add([]byte("the token is s3cret-token.\nand s3cret"), "s3cret-token", "token", uint8(3))
	f.Add([]byte("aaab"), "aab", "ab", uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, one, two string, size uint8) {
		m := &Secrets{}
		m.Add(one)
		m.Add(two)
		got := printed(m, slices.Collect(slices.Chunk(text, 1+int(size)))...)
		var want strings.Builder
		for line := range bytes.Lines(text) { // text that is held back never crosses the end of a line
			fmt.Fprint(&want, m.Text(string(line)))
		}
		if got != want.String() {
			t.Errorf("%q without %q and %q: %q, want %q", text, one, two, got, want.String())
		}
	})
}
