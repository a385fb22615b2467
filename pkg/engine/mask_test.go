package engine

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// printed returns what a veil passes on of pieces.
func printed(m *masker, pieces ...[]byte) string {
	var b bytes.Buffer
	v := &veil{masks: m, next: func(o task.Output) { b.Write(o.Data) }}
	for _, p := range pieces {
		v.pass(task.Output{Stream: task.Stdout, Data: bytes.Clone(p)})
	}
	v.flush()
	return b.String()
}

// TestMask: a secret is shown nowhere, whole or in parts, as it is or in base64, in whatever company.
func TestMask(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3)) //nolint:gosec // a test has to be repeatable
	for i := range 1000 {
		secret := make([]byte, 6+random.IntN(30))
		for i := range secret {
			secret[i] = byte('!' + random.IntN(90))
		}
		m := &masker{}
		m.add(string(secret))
		before, after := strings.Repeat("b", random.IntN(5)), strings.Repeat("a", random.IntN(5))
		text := before + string(secret) + after
		for name, line := range map[string]string{
			"plain": text, "base64": base64.StdEncoding.EncodeToString([]byte(text)), "base64 of a URL": base64.URLEncoding.EncodeToString([]byte(text)),
		} {
			pieces := slices.Collect(slices.Chunk([]byte(line), 1+random.IntN(9)))
			got := printed(m, pieces...)
			if !strings.Contains(got, Masked) || strings.Contains(got, string(secret)) {
				t.Errorf("%d: %s of %q in %q is %q", i, name, secret, text, got)
			}
			if whole := printed(m, []byte(line)); whole != got {
				t.Errorf("%d: %s: in parts %q, whole %q", i, name, got, whole)
			}
		}
	}
}

// TestMaskValues: what Secrets hold counts line by line, and in JSON text by text; what is too short to be
// a secret does not.
func TestMaskValues(t *testing.T) {
	m := &masker{}
	m.addValues([]string{
		"5432", "hunter22", "-----BEGIN KEY-----\nMIIEvgIBADAN\nab\n-----END KEY-----\n", `{"token": "mytoken", "port": 80}`, "\xff\xfe\n",
	})
	for text, want := range map[string]string{
		"port 5432": "port 5432", "is hunter22.": "is ***.", "-----BEGIN KEY-----": "-----BEGIN KEY-----", " MIIEvgIBADAN": " ***", "ab": "ab",
		"token=mytoken": "token=***", "80": "80", `{"token": "mytoken", "port": 80}`: "***",
	} {
		if got := m.text(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if !m.reveals(map[string]any{"a": []any{"my hunter22"}}) || m.reveals("hunter") {
		t.Error("what reveals a secret is not known")
	}
}

// TestHide: what a Secret holds is shown nowhere, and an output that has it is secret; but the data of a
// task is as it was printed, except for what the task itself says is secret.
func TestHide(t *testing.T) {
	p := steps("one")
	p.Steps[0].Task.Outputs = []task.OutputDefinition{{Name: "open", Pattern: "open (.*)"}, {Name: "closed", Pattern: "closed (.*)", Secret: true}}
	var data bytes.Buffer
	var shown strings.Builder
	e := Engine{Data: &data, Runner: runner(func(a Attempt, sink task.Sink) task.Result {
		a.Hide([]string{"of-a-secret"})
		sink(task.Output{Stream: task.Stdout, Data: []byte("open of-a-secret\nclosed marked\n")})
		return task.Result{State: task.Succeeded, Message: "of-a-secret"}
	}), Emit: func(e Event) {
		if o, is := e.(StepOutput); is {
			shown.Write(o.Output.Data)
		}
	}}
	result := e.Run(t.Context(), p).Steps[0]
	if got, want := data.String(), "open of-a-secret\nclosed ***\n"; got != want {
		t.Errorf("data %q, want %q", got, want)
	}
	if got, want := shown.String(), "open ***\nclosed ***\n"; got != want {
		t.Errorf("shown %q, want %q", got, want)
	}
	if result.Message != Masked || !result.Outputs["open"].Secret || !result.Hid {
		t.Errorf("result %+v", result)
	}
}

// runner is a Runner that is a function.
type runner func(Attempt, task.Sink) task.Result

func (r runner) Run(_ context.Context, a Attempt, sink task.Sink) task.Result { return r(a, sink) }

// FuzzMask: however output is cut into pieces, what is shown is the same, and without secrets.
func FuzzMask(f *testing.F) {
	f.Add([]byte("the token is s3cret-token.\nand s3cret"), "s3cret-token", "token", uint8(3))
	f.Add([]byte("aaab"), "aab", "ab", uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, one, two string, size uint8) {
		m := &masker{}
		m.add(one)
		m.add(two)
		got := printed(m, slices.Collect(slices.Chunk(text, 1+int(size)))...)
		var want strings.Builder
		for line := range bytes.Lines(text) { // what is held back never crosses the end of a line
			fmt.Fprint(&want, m.text(string(line)))
		}
		if got != want.String() {
			t.Errorf("%q without %q and %q: %q, want %q", text, one, two, got, want.String())
		}
	})
}
