package differential

import "slices"

// Shrink returns a sequence that fails too and that nothing can be left out of: no step, no flag, no hook and no
// object. fails is asked at most budget times.
func Shrink(s Sequence, budget int, fails func(Sequence) bool) Sequence {
	for {
		smaller := false
		for i := 0; budget > 0; i++ {
			candidate, ok := without(s, i)
			if !ok {
				break
			}
			budget--
			if fails(candidate) {
				s, smaller = candidate, true
				i-- // what is next has moved to this place
			}
		}
		if !smaller || budget == 0 {
			return s
		}
	}
}

// without returns the sequence without the n-th thing that can be left out: first the steps, the last one first, then
// what the charts have, then flags.
func without(s Sequence, n int) (Sequence, bool) {
	if n < len(s.Steps) {
		at := len(s.Steps) - 1 - n
		s.Steps = slices.Delete(slices.Clone(s.Steps), at, at+1)
		return s, true
	}
	n -= len(s.Steps)
	for i, c := range s.Charts {
		switch {
		case n < len(c.Hooks):
			c.Hooks = slices.Delete(slices.Clone(c.Hooks), n, n+1)
		case n < len(c.Hooks)+len(c.Objects):
			at := n - len(c.Hooks)
			c.Objects = slices.Delete(slices.Clone(c.Objects), at, at+1)
		default:
			n -= len(c.Hooks) + len(c.Objects)
			continue
		}
		s.Charts = slices.Clone(s.Charts)
		s.Charts[i] = c
		return s, true
	}
	for i, step := range s.Steps {
		if n < len(step.Flags) {
			step.Flags = slices.Delete(slices.Clone(step.Flags), n, n+1)
			s.Steps = slices.Clone(s.Steps)
			s.Steps[i] = step
			return s, true
		}
		n -= len(step.Flags)
	}
	return s, false
}
