package host

import "testing"

func TestEnvironment(t *testing.T) {
	e := Environment{"A=1", "B=2", "AB=3"}
	e.Set("A", "x=y")
	e.Unset("B")
	if v, ok := e.Lookup("A"); v != "x=y" || !ok {
		t.Errorf("A is %q, %v", v, ok)
	}
	if _, ok := e.Lookup("B"); ok {
		t.Error("B is still set")
	}
	if v, _ := e.Lookup("AB"); v != "3" {
		t.Errorf("AB is %q", v)
	}
}
