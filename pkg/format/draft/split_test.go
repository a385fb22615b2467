package draft

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The rows are those of spec draft.md § 1.2, "Command line building".
func TestSplitAndExpand(t *testing.T) {
	env := map[string]string{"NAME": "value", "TWO": "a b", "_x1": "u"}
	getenv := func(n string) (string, bool) { v, ok := env[n]; return v, ok }
	tests := []struct {
		name    string
		command string
		want    []string
	}{
		{"single spaces", "a b c", []string{"a", "b", "c"}},
		{"quotes are characters", "echo 'a b'", []string{"echo", "'a", "b'"}},
		{"two spaces", "a  b", []string{"a", "", "b"}},
		{"trailing space", "a ", []string{"a", ""}},
		{"tabs do not split", "a\tb", []string{"a\tb"}},
		{"newlines do not split", "a\nb c", []string{"a\nb", "c"}},
		{"variable", "echo $NAME", []string{"echo", "value"}},
		{"variable within an argument", "x=$NAME,y", []string{"x=value,y"}},
		{"two variables in one argument", "$NAME$_x1", []string{"valueu"}},
		{"a value with spaces stays one argument", "echo $TWO", []string{"echo", "a b"}},
		{"unset", "echo $NONE.", []string{"echo", "."}},
		{"longest name", "$NAMEX", []string{""}},
		{"escaped by a dollar", "$$NAME", []string{"$NAME"}},
		{"escaped by a backslash", `\$NAME`, []string{"$NAME"}},
		{"three dollars", "$$$NAME", []string{"$$NAME"}},
		{"braces are not supported", "${NAME}", []string{"${NAME}"}},
		{"digits are not names", "$1 $", []string{"$1", "$"}},
		{"variable as program", "$NAME x", []string{"value", "x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, argument := range split(tt.command) {
				expanded, _ := expand(argument, getenv)
				got = append(got, expanded)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
