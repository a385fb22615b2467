package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// world is a cluster that runs programs, answers as badly as a seed says, and counts. The process can die at any write
// of the journal, before or after it.
type world struct {
	mu     sync.Mutex
	random *rand.Rand
	// record is the content of the journal: it outlives the process.
	record map[string]Prior
	// ran is how often each step was started, and ends how its program ended.
	ran  map[string]int
	ends map[string]task.State
	// life is the number of writes after which the process dies; 0 means never.
	life int
	dead bool
	// bug breaks an invariant, to see it noticed.
	bug bug
	// found are the violations of the invariants.
	found []string
	plan  plan.Plan
}

// bug is a mistake that the checker must notice.
type bug string

const (
	runsTwice    bug = "starts again what may have run"
	trustsSilent bug = "takes silence for success"
	writesLate   bug = "starts dependents before the end is written"
)

var errDied = errors.New("the process is dead")

// write is a write of the journal: the process may die before it and after it.
func (w *world) write(change func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tick() {
		return errDied
	}
	change()
	if w.tick() {
		return errDied
	}
	return nil
}

// tick reports whether the process is dead; w.mu is held.
func (w *world) tick() bool {
	if w.dead {
		return true
	}
	if w.life--; w.life == 0 {
		w.dead = true
	}
	return w.dead
}

func (w *world) Before(_ context.Context, a Attempt) error {
	return w.write(func() {
		for _, need := range a.Needs {
			if state := w.record[need].State; !state.Good() && !w.tolerated(need) {
				w.found = append(w.found, fmt.Sprintf("%s starts while the record has %s %q", a.ID, need, state))
			}
		}
		w.record[a.ID] = Prior{Attempt: a.Number}
	})
}

func (w *world) tolerated(id string) bool {
	e := w.record[id]
	for _, s := range w.plan.Steps {
		if s.ID == id {
			return e.result(s).Tolerated()
		}
	}
	return false
}

func (w *world) Retried(a Attempt, r task.Result) error {
	return w.write(func() { w.record[a.ID] = Prior{Attempt: a.Number, StepResult: StepResult{Result: r}} })
}

func (w *world) After(r StepResult) error {
	if w.bug == writesLate {
		return nil
	}
	return w.write(func() { w.record[r.Step.ID] = Prior{Attempt: r.Attempts, StepResult: StepResult{Result: r.Result}} })
}

// Run is the runner: a program that was started keeps running whatever happens to this process.
func (w *world) Run(_ context.Context, a Attempt, _ task.Sink) task.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return task.Result{State: task.Unknown}
	}
	key := fmt.Sprintf("%s/%d", a.ID, a.Number)
	if a.Resumed && w.bug != runsTwice {
		end, was := w.ends[key]
		if !was || w.random.IntN(4) == 0 { // it never started, or its objects are deleted
			return task.Result{State: task.Unknown}
		}
		return task.Result{State: end}
	}
	w.ran[a.ID]++
	end := task.Succeeded
	if w.random.IntN(5) == 0 {
		end = task.Failed
	}
	w.ends[key] = end
	if w.random.IntN(10) == 0 { // the connection is lost
		if w.bug == trustsSilent {
			return task.Result{State: task.Succeeded}
		}
		return task.Result{State: task.Unknown}
	}
	return task.Result{State: end}
}

// simulate runs a random plan in a world that fails and dies as the seed says, until a person would have to look, and
// returns the violations.
func simulate(seed uint64, broken bug) []string {
	random := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // a test has to be repeatable
	p := randomPlan(random)
	w := &world{random: random, record: map[string]Prior{}, ran: map[string]int{}, ends: map[string]task.State{}, plan: p, bug: broken}
	retries := map[string]int{}
	for _, s := range p.Steps {
		retries[s.ID] = s.Task.Retries
	}
	var result Result
	for processes := 1; processes <= 6; processes++ {
		w.life, w.dead = 0, false
		if random.IntN(2) == 0 {
			w.life = 1 + random.IntN(2*len(p.Steps)+2)
		}
		before := maps.Clone(w.ran)
		began := maps.Clone(w.record)
		result = Engine{Runner: w, Journal: w, Concurrency: 1 + random.IntN(3), Prior: began, KeepGoing: random.IntN(3) == 0}.Run(context.Background(), p)
		for _, s := range p.Steps {
			known, times := began[s.ID], w.ran[s.ID]-before[s.ID]
			mayHaveRun := known.Attempt > 0 && (known.State == "" || known.State == task.Unknown)
			switch {
			case known.State == task.Succeeded && times > 0:
				w.found = append(w.found, s.ID+" was done and ran again")
			case mayHaveRun && !s.Task.Idempotent && known.State == task.Unknown && times > 0:
				w.found = append(w.found, s.ID+" was unknown and ran again")
			case mayHaveRun && !s.Task.Idempotent && known.State == "" && times > retries[s.ID]:
				w.found = append(w.found, s.ID+" may have run and was started again")
			case times > retries[s.ID]+1:
				w.found = append(w.found, fmt.Sprintf("%s ran %d times", s.ID, times))
			}
		}
		if !w.dead && result.State() == task.Succeeded {
			break
		}
	}
	for _, s := range result.Steps {
		last := w.ends[fmt.Sprintf("%s/%d", s.Step.ID, w.record[s.Step.ID].Attempt)]
		if s.State == task.Succeeded && !w.dead && last != task.Succeeded {
			w.found = append(w.found, fmt.Sprintf("%s is reported as succeeded, and ended %q", s.Step.ID, last))
		}
	}
	return w.found
}

// randomPlan returns a plan of some tasks with needs and policies.
func randomPlan(random *rand.Rand) plan.Plan {
	var lines []string
	n := 1 + random.IntN(8)
	for i := range n {
		id := fmt.Sprintf("s%d", i)
		var needs []string
		for range random.IntN(3) {
			if i > 0 {
				needs = append(needs, fmt.Sprintf("s%d", random.IntN(i)))
			}
		}
		slices.Sort(needs)
		if needs = slices.Compact(needs); len(needs) > 0 {
			id += " < " + strings.Join(needs, " ")
		}
		lines = append(lines, id)
	}
	p := steps(lines...)
	for i := range p.Steps {
		t := p.Steps[i].Task
		t.Idempotent = random.IntN(3) == 0
		t.Backoff = 1
		if random.IntN(4) == 0 {
			t.Retries = 1 + random.IntN(2)
		}
		if random.IntN(6) == 0 {
			t.OnFailure = task.Warn
		}
	}
	return p
}

// TestSimulation runs 10,000 worlds, or a million with $SOAK: whatever fails and whenever the process dies, no step
// that may have run is started again, no step starts before its needs are recorded as done, and a success is one that
// was seen.
func TestSimulation(t *testing.T) {
	worlds := uint64(10_000)
	if os.Getenv("SOAK") != "" {
		worlds = 1_000_000
	}
	for seed := range worlds {
		if found := simulate(seed, ""); len(found) > 0 {
			t.Fatalf("seed %d: %s", seed, strings.Join(found, "; "))
		}
	}
}

// TestSimulationNotices: a mistake of each kind is noticed in few worlds.
func TestSimulationNotices(t *testing.T) {
	for _, b := range []bug{runsTwice, trustsSilent, writesLate} {
		noticed := false
		for seed := uint64(0); seed < 1000 && !noticed; seed++ {
			noticed = len(simulate(seed, b)) > 0
		}
		if !noticed {
			t.Errorf("the test does not notice that it %s", b)
		}
	}
}
