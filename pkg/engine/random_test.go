package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// timed is a runner whose steps take the given times.
type timed map[string]time.Duration

func (t timed) Run(_ context.Context, s Attempt, _ task.Sink) task.Result {
	<-time.After(t[s.ID])
	return task.Result{State: task.Succeeded}
}

// TestRandom runs random graphs: every step runs once, after all steps that it needs; the limit of concurrency holds;
// and the run takes no longer than the longest path when it has no limit, and than Graham's bound for list scheduling
// (SIAM J. Appl. Math. 17, 1969) otherwise.
func TestRandom(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test has to be repeatable
				n := 1 + random.IntN(80)
				concurrency := []int{1, 2, 8, n}[seed%4]
				times := timed{}
				ways := map[string]time.Duration{}
				var critical, work time.Duration
				var lines []string
				for i := range n {
					id, needs := fmt.Sprintf("s%d", i), ""
					for range random.IntN(4) {
						if i > 0 {
							need := fmt.Sprintf("s%d", random.IntN(i))
							needs += " " + need
							ways[id] = max(ways[id], ways[need])
						}
					}
					times[id] = time.Duration(1+random.IntN(1000)) * time.Millisecond
					ways[id] += times[id]
					critical, work = max(critical, ways[id]), work+times[id]
					if needs != "" {
						id += " <" + needs
					}
					lines = append(lines, id)
				}
				p := steps(lines...)
				for i := range p.Steps { // a need that is named twice counts once
					slices.Sort(p.Steps[i].Needs)
					p.Steps[i].Needs = slices.Compact(p.Steps[i].Needs)
				}
				var mu sync.Mutex
				running, most := 0, 0
				ended := map[string]int{}
				began := time.Now()
				Engine{Runner: times, Concurrency: concurrency, Emit: func(e Event) {
					mu.Lock()
					defer mu.Unlock()
					switch e := e.(type) {
					case StepStarted:
						running++
						most = max(most, running)
						for _, need := range e.Step.Needs {
							if ended[need] == 0 {
								t.Errorf("%s started before %s had ended", e.Step.ID, need)
							}
						}
					case StepEnded:
						running--
						ended[e.Step.ID]++
					}
				}}.Run(t.Context(), p)
				took := time.Since(began)
				if len(ended) != n || most > concurrency {
					t.Errorf("%d of %d ended, %d at a time, %d allowed", len(ended), n, most, concurrency)
				}
				bound := work/time.Duration(concurrency) + critical
				if concurrency == n {
					bound = critical
				}
				if took > bound {
					t.Errorf("took %s, the bound is %s", took, bound)
				}
			})
		})
	}
}

// notes is a journal in memory.
type notes struct {
	mu    sync.Mutex
	lines []string
	fails string
}

func (n *notes) Before(_ context.Context, s Attempt) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, "before "+s.ID)
	if n.fails == s.ID {
		return fmt.Errorf("no place for %s", s.ID)
	}
	return nil
}

func (n *notes) Retried(a Attempt, r task.Result) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf("retried %s %d %s", a.ID, a.Number, r.State))
	return nil
}

func (n *notes) After(r StepResult) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf("after %s %s", r.Step.ID, r.State))
	return nil
}

// needsSuccess is an undo that refers to the outputs of its task, which exist only after a success.
type needsSuccess struct{}

func (needsSuccess) Resolve(v task.Values) (task.Executor, string, error) {
	for name, ended := range v.Tasks {
		if ended.State != task.Succeeded {
			return nil, "", fmt.Errorf("%s has no outputs", name)
		}
	}
	return task.Host{}, "", nil
}

// TestRollback: after the failure of a task that asks for it, the tasks that have succeeded are undone in the plan's
// order, and others are not. The journal gets each step that may change something, before and after.
func TestRollback(t *testing.T) {
	rollback := func(fails map[string]task.State, policy task.FailurePolicy, journal *notes) (string, Result) {
		p := backwards()
		p.Steps[2].Task.OnFailure = policy
		var result Result
		synctest.Test(t, func(t *testing.T) {
			result = Engine{Runner: script(fails), Journal: journal}.Run(t.Context(), p)
		})
		states := ""
		for _, s := range result.Steps {
			states += fmt.Sprintf("%s %s, ", s.Step.ID, s.State)
		}
		return states, result
	}
	tests := []struct {
		name   string
		fails  map[string]task.State
		policy task.FailurePolicy
		want   string
	}{
		{"nothing fails", nil, task.RollBack, "a Succeeded, b Succeeded, c Succeeded, undo/c Skipped, undo/b Skipped, undo/a Skipped, back Skipped, end Succeeded, "},
		{"not requested", map[string]task.State{"c": task.Failed}, task.Fail, "a Succeeded, b Succeeded, c Failed, undo/c Skipped, undo/b Skipped, undo/a Skipped, back Skipped, end Succeeded, "},
		{"another one fails", map[string]task.State{"b": task.Failed}, task.RollBack, "a Succeeded, b Failed, c NotRun, undo/c Skipped, undo/b Skipped, undo/a Skipped, back Skipped, end Succeeded, "},
		{"asked for", map[string]task.State{"c": task.Failed}, task.RollBack, "a Succeeded, b Succeeded, c Failed, undo/c Skipped, undo/b Succeeded, undo/a Succeeded, back Succeeded, end Succeeded, "},
		{"an unknown result is not rolled back", map[string]task.State{"c": task.Unknown}, task.RollBack, "a Succeeded, b Succeeded, c Unknown, undo/c Skipped, undo/b Skipped, undo/a Skipped, back Skipped, end Succeeded, "},
		{"an undo fails", map[string]task.State{"c": task.Failed, "undo/b": task.Failed}, task.RollBack, "a Succeeded, b Succeeded, c Failed, undo/c Skipped, undo/b Failed, undo/a NotRun, back NotRun, end Succeeded, "},
	}
	for _, tt := range tests {
		if got, _ := rollback(tt.fails, tt.policy, &notes{}); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}

	journal := &notes{}
	rollback(map[string]task.State{"c": task.Failed}, task.RollBack, journal)
	want := []string{
		"before a", "after a Succeeded", "before b", "after b Succeeded", "before c", "after c Failed",
		"before undo/b", "after undo/b Succeeded", "before undo/a", "after undo/a Succeeded", "before back", "after back Succeeded",
		"before end", "after end Succeeded",
	}
	if !slices.Equal(journal.lines, want) {
		t.Errorf("journal %q", journal.lines)
	}
	journal = &notes{}
	p := steps("a", "b")
	for i := range p.Steps {
		p.Steps[i].Task.Undo = &task.Task{Deferred: needsSuccess{}}
	}
	synctest.Test(t, func(t *testing.T) {
		Engine{Runner: script{"b": task.Failed}, Journal: journal, Concurrency: 1, KeepGoing: true}.Run(t.Context(), p)
	})
	if want := []string{"before a", "after a Succeeded", "before b", "after b Failed"}; !slices.Equal(journal.lines, want) {
		t.Errorf("with undos that refer to outputs: journal %q", journal.lines)
	}
	journal = &notes{fails: "b"}
	if got, result := rollback(nil, task.Fail, journal); result.Steps[1].Message != "no place for b" || result.Steps[1].State != task.Failed {
		t.Errorf("a step whose start could not be recorded: %s", got)
	}
}
