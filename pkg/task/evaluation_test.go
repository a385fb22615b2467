package task

import "testing"

func TestThreshold(t *testing.T) {
	tests := []struct {
		text  string
		value float64
		met   bool
	}{
		{"<5", 4.9, true},
		{"<5", 5, false},
		{">5", 5, false},
		{">5", 5.1, true},
		{">-1.5e1", -14, true},
	}
	for _, tt := range tests {
		target, err := ParseThreshold(tt.text)
		if err != nil || target.Met(tt.value) != tt.met {
			t.Errorf("%v %s: error %v", tt.value, tt.text, err)
		}
	}
	for _, bad := range []string{"", "5", "=5", ">=5", "< 5", "<x", "<NaN"} {
		if _, err := ParseThreshold(bad); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
}
