package plan

// inOrder returns the steps so that each stands after all it needs; among those that could come
// next, the first as written does. The steps have no cycle.
func inOrder(steps []Step) []Step {
	waits := make(map[string]int, len(steps))
	index := make(map[string]int, len(steps))
	dependents := map[string][]int{}
	for i, s := range steps {
		index[s.ID] = i
		waits[s.ID] = len(s.Needs)
		for _, n := range s.Needs {
			dependents[n] = append(dependents[n], i)
		}
	}
	sorted := make([]Step, 0, len(steps))
	var visit func(i int)
	visit = func(i int) {
		sorted = append(sorted, steps[i])
		waits[steps[i].ID] = -1
		for _, d := range dependents[steps[i].ID] {
			waits[steps[d].ID]--
			// A dependent written before what it needs is taken as soon as it can run; one
			// written later has its turn in the loop below.
			if waits[steps[d].ID] == 0 && d < i {
				visit(d)
			}
		}
	}
	for i, s := range steps {
		if waits[s.ID] == 0 {
			visit(i)
		}
	}
	return sorted
}
