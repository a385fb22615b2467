package plan

import (
	"slices"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// cycle returns the names along one cycle, with the first repeated at the end, or nil.
func (x *index) cycle() []string {
	const (
		open   = 1
		closed = 2
	)
	state := make(map[string]int, len(x.tasks))
	// A phase is a node of its own in the graph: n tasks that need a phase of n tasks have
	// 2n edges, not n².
	needs := func(name string) []string {
		if t := x.byName[name]; t != nil {
			all := slices.Clip(t.Needs)
			for _, r := range t.Reads {
				all = append(all, r.Task)
			}
			return all
		}
		return x.byPhase[task.Phase(name)]
	}
	type visit struct {
		name string
		rest []string
	}
	for _, t := range x.tasks {
		if state[t.Name] != 0 {
			continue
		}
		state[t.Name] = open
		path := []visit{{t.Name, needs(t.Name)}}
		for len(path) > 0 {
			last := &path[len(path)-1]
			if len(last.rest) == 0 {
				state[last.name] = closed
				path = path[:len(path)-1]
				continue
			}
			next := last.rest[0]
			last.rest = last.rest[1:]
			switch state[next] {
			case closed:
			case open:
				at := slices.IndexFunc(path, func(v visit) bool { return v.name == next })
				var names []string
				for _, v := range path[at:] {
					names = append(names, v.name)
				}
				return x.withoutPhaseFirst(append(names, next))
			default:
				state[next] = open
				path = append(path, visit{next, needs(next)})
			}
		}
	}
	return nil
}

// withoutPhaseFirst rotates a cycle so that it begins with a task, whose position is known.
func (x *index) withoutPhaseFirst(cycle []string) []string {
	if x.byName[cycle[0]] != nil {
		return cycle
	}
	return append(slices.Clone(cycle[1:]), cycle[1])
}
