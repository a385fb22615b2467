package plan

import "slices"

// inOrder sorts the steps so that each comes after all steps that it needs, and otherwise in the given order. The steps
// must not have a cycle.
func inOrder(steps []Step) []Step {
	var ready []int // sorted
	waits := make([]int, len(steps))
	dependents := map[string][]int{}
	for i, s := range steps {
		if waits[i] = len(s.Needs); waits[i] == 0 {
			ready = append(ready, i)
		}
		for _, n := range s.Needs {
			dependents[n] = append(dependents[n], i)
		}
	}
	sorted := make([]Step, 0, len(steps))
	for len(ready) > 0 {
		next := ready[0]
		ready = ready[1:]
		sorted = append(sorted, steps[next])
		for _, d := range dependents[steps[next].ID] {
			if waits[d]--; waits[d] == 0 {
				at, _ := slices.BinarySearch(ready, d)
				ready = slices.Insert(ready, at, d)
			}
		}
	}
	return sorted
}
