package lock

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestBorn: a process that the system hides is not dead.
func TestBorn(t *testing.T) {
	const rest = " 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0"
	for name, tt := range map[string]struct {
		stat   string
		exists bool
		ticks  string
		known  bool
	}{
		"it runs":                            {"7 (a) S" + rest, true, "4711", true},
		"its name is like the rest":          {"7 (a) Z) S" + rest, true, "4711", true},
		"it has ended and is not waited for": {"7 (a) Z" + rest, true, "", true},
		"there is none":                      {"", false, "", true},
		"it is hidden, as hidepid=2 does":    {"", true, "", false},
		"it ends while it is read":           {"7 (a) S", true, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			proc := t.TempDir()
			if tt.stat != "" {
				if err := os.MkdirAll(filepath.Join(proc, "7"), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(proc, "7", "stat"), []byte(tt.stat), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			ticks, known := startTicksIn(proc, 7, func(int) bool { return tt.exists })
			if ticks != tt.ticks || known != tt.known {
				t.Errorf("%q, known %v", ticks, known)
			}
		})
	}
	for _, pid := range []int{0, -1, -7} {
		if _, known := startTicksIn(t.TempDir(), pid, func(int) bool { t.Error(fmt.Sprint("a signal for ", pid)); return true }); known {
			t.Errorf("process %d is known", pid)
		}
	}
}
