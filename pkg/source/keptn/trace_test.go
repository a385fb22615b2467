package keptn

import "testing"

func TestTraceParent(t *testing.T) {
	const valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for value, want := range map[string]string{valid: valid, "": "", valid + "0": "", "x-" + valid: "", "00-0AF7": ""} {
		got := TraceParent(func(name string) string {
			if name != "TRACEPARENT" {
				t.Errorf("looked up %s", name)
			}
			return value
		})
		if got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}
