package draft

import (
	"strings"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// FuzzParse: the parser does not panic, every finding has a position within the file, and accepted tasks are valid
// and need only other tasks of the file.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "[pre-up]\na = \"echo $HOME 'x'\"\n", "[[pre-up]]\n", "pre-up = {a = \"x\"}", "[cleanup]\n\"\" = 'x'\n[wat]\n[PRE-UP]\n",
		"[pre-up]\na.b = 1\nc = 1979-05-27T07:32:00Z\n", "[post-deploy]\r\nx = \"\"\"a\nb\"\"\"\r\n", "\ufeff[pre-up]", "[pre-up]\na = \"\\u0000\"", "a = [1, [2, {b = 3}]]\n[post-up]\n'q' = \"helm delete --purge x\"",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, shell bool) {
		tasks, found := Parse(text, Options{Source: task.Source{Name: FileName}, Shell: shell})
		lines := strings.Count(string(text), "\n") + 1
		for _, d := range found {
			if d.Position.Line < 1 || d.Position.Line > lines || d.Position.Column < 1 {
				t.Errorf("finding outside the file: %v", d)
			}
		}
		if found.Err() != nil && tasks != nil {
			t.Errorf("tasks in spite of errors: %v", found)
		}
		names := map[string]bool{}
		for _, x := range tasks {
			if err := x.Validate(); err != nil {
				t.Errorf("accepted an invalid task: %v", err)
			}
			if names[x.Name] {
				t.Errorf("two tasks are called %q", x.Name)
			}
			names[x.Name] = true
		}
		for _, x := range tasks {
			for _, n := range x.Needs {
				if !names[n] || n == x.Name {
					t.Errorf("%q needs %q", x.Name, n)
				}
			}
		}
	})
}

// FuzzSplit compares split with another implementation of the rule of spec draft.md § 1.2.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"", " ", "a  b", "$A", "$$A", `\$A`, "$$$A", `\\$A`, "${A}", "$1", "x$A_1-$B y", "é$Aé"} {
		f.Add(seed, "value")
	}
	f.Fuzz(func(t *testing.T, command, value string) {
		arguments := split(command)
		if joined := strings.Join(arguments, " "); joined != command {
			t.Fatalf("split loses something: %q became %q", command, joined)
		}
		for _, argument := range arguments {
			if strings.Contains(argument, " ") {
				t.Fatalf("%q has a space", argument)
			}
			got, _ := expand(argument, func(string) (string, bool) { return value, true })
			if want := expandSlowly(argument, value); got != want {
				t.Fatalf("expand(%q) = %q, want %q", argument, got, want)
			}
		}
	})
}

func expandSlowly(s, value string) string {
	name := func(s string) int {
		n := 0
		for n < len(s) && (s[n] == '_' || 'a' <= s[n] && s[n] <= 'z' || 'A' <= s[n] && s[n] <= 'Z' || n > 0 && '0' <= s[n] && s[n] <= '9') {
			n++
		}
		return n
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		escaped := (s[i] == '$' || s[i] == '\\') && i+1 < len(s) && s[i+1] == '$' && name(s[i+2:]) > 0
		switch {
		case escaped:
			n := name(s[i+2:])
			b.WriteString(s[i+1 : i+2+n])
			i += 2 + n
		case s[i] == '$' && name(s[i+1:]) > 0:
			b.WriteString(value)
			i += 1 + name(s[i+1:])
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return b.String()
}
