package task

import "testing"

func TestCount(t *testing.T) {
	tests := []struct {
		text string
		want map[int]int
	}{
		{"", map[int]int{0: 0, 1: 1, 5: 1}},
		{"one", map[int]int{0: 0, 5: 1}},
		{"all", map[int]int{0: 0, 5: 5}},
		{"3", map[int]int{0: 0, 2: 2, 5: 3}},
		{"30%", map[int]int{0: 0, 1: 1, 3: 1, 10: 3, 11: 4}},
		{"100%", map[int]int{0: 0, 7: 7}},
	}
	for _, tt := range tests {
		c, err := ParseCount(tt.text)
		if err != nil {
			t.Error(err)
		}
		for n, want := range tt.want {
			if got := c.Of(n); got != want {
				t.Errorf("%q of %d is %d, want %d", tt.text, n, got, want)
			}
		}
	}
	for _, bad := range []string{"0", "-1", "two", "101%", "0%", "%", "1.5", " 1"} {
		if _, err := ParseCount(bad); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
}
