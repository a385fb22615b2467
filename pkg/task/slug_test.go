package task

import (
	"strings"
	"testing"
)

func TestSlug(t *testing.T) {
	for name, want := range map[string]string{
		"backup": "backup", "pre-up/Say it!": "pre-up-say-it", "--a--": "a", "": "task", "äö": "task", "x.y_z": "x-y-z",
		strings.Repeat("a", 49) + "-b": strings.Repeat("a", 49), strings.Repeat("a", 60): strings.Repeat("a", 50),
	} {
		if got := Slug(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
