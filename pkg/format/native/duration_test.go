package native

import (
	"encoding/json"
	"testing"
)

// FuzzDuration: an accepted duration is not negative, and can be written and read again.
func FuzzDuration(f *testing.F) {
	for _, text := range []string{`"90s"`, `"1h30m"`, `"0"`, `"-1s"`, `5`, `"5"`, `"9223372036854775807ns"`, `"1e3s"`, `null`, `"µs"`, `{}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d, again Duration
		if json.Unmarshal([]byte(text), &d) != nil {
			return
		}
		if d < 0 {
			t.Errorf("%s is %d", text, d)
		}
		written, err := json.Marshal(d)
		if err == nil {
			err = json.Unmarshal(written, &again)
		}
		if err != nil || again != d {
			t.Errorf("%s is written as %s: %d, not %d: %v", text, written, again, d, err)
		}
	})
}
