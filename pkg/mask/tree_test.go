package mask

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestTree: the result equals that of a replacer of the standard library that looks for the longest secret first.
func TestTree(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5)) //nolint:gosec // a test has to be repeatable
	word := func(most int) string {
		b := make([]byte, 1+random.IntN(most))
		for i := range b {
			b[i] = byte('a' + random.IntN(3))
		}
		return string(b)
	}
	for range 2000 {
		var s tree
		var all []string
		for range 1 + random.IntN(12) {
			text := word(6)
			if known := slices.Contains(all, text); s.add(text) == known {
				t.Fatalf("%q in %q: known %v", text, all, known)
			} else if !known {
				all = append(all, text)
			}
		}
		slices.SortFunc(all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
		var pairs []string
		for _, text := range all {
			pairs = append(pairs, text, Placeholder)
		}
		text := word(40)
		want := strings.NewReplacer(pairs...).Replace(text)
		if got, _, masked := s.replace([]byte(text), false); string(got) != want || masked != (want != text) {
			t.Fatalf("%q without %q: %q, masked %v; want %q", text, all, got, masked, want)
		}
		shown, rest, _ := s.replace([]byte(text), true)
		if len(rest) > 0 && !slices.ContainsFunc(all, func(secret string) bool {
			return len(secret) > len(rest) && strings.HasPrefix(secret, string(rest))
		}) {
			t.Fatalf("%q without %q: %q is held back after %q", text, all, rest, shown)
		}
	}
}

// TestManySecrets: a secret costs no more after thousands of others than after a few.
func TestManySecrets(t *testing.T) {
	cost := func(known int) float64 {
		m := &Secrets{}
		for i := range known {
			m.Add(fmt.Sprintf("token-%06d", i))
		}
		n := known
		return testing.AllocsPerRun(20, func() {
			n++
			m.Add(fmt.Sprintf("token-%06d", n))
		})
	}
	if few, many := cost(10), cost(5000); many > 2*few+20 {
		t.Errorf("%v allocations after 5000 secrets, %v after 10", many, few)
	}
}
