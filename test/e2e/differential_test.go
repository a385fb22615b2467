//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kubectl-tasks/kubectl-tasks/test/differential"
)

// TestDifferential carries out random sequences of commands in two namespaces, with helm 3 in one and with this program
// in the other, and compares after each step: the objects, the ends of hooks, the stored history, whether the command
// failed, and what a task around it saw of values and revision. DIFFERENTIAL_SEQUENCES is how many, from
// DIFFERENTIAL_SEED on, DIFFERENTIAL_WORKERS how many at a time. A sequence that ends differently is made smaller, and
// printed as commands.
func TestDifferential(t *testing.T) {
	t.Parallel()
	helm := required(t, "HELM3")
	first, count, workers := number(t, "DIFFERENTIAL_SEED", 1), number(t, "DIFFERENTIAL_SEQUENCES", 40), number(t, "DIFFERENTIAL_WORKERS", 4)
	cluster := client(t)
	seeds := make(chan uint64)
	var (
		group     sync.WaitGroup
		mu        sync.Mutex
		different int
		tally     = map[string]int{}
	)
	began := time.Now()
	for range workers {
		w := newTwins(t, cluster, helm)
		group.Go(func() {
			for seed := range seeds {
				s := differential.Generate(seed)
				found, err := w.play(t.Context(), s)
				if err != nil {
					t.Errorf("seed %d: %v", seed, err)
					continue
				}
				mu.Lock()
				for name, n := range w.tally {
					tally[name] += n
				}
				shrinks := found != nil && different < 20
				if found != nil {
					different++
				}
				mu.Unlock()
				clear(w.tally)
				if found == nil {
					continue
				}
				t.Logf("seed %d, step %d, %s; making it smaller\n%s", seed, found.step+1, found.what, found.text)
				if shrinks {
					s, found = w.shrink(t.Context(), s, found)
					clear(w.tally)
				}
				t.Errorf("%s\nafter step %d: %s\n%s", s, found.step+1, found.what, found.text)
			}
		})
	}
	for i := range uint64(count) {
		seeds <- uint64(first) + i
	}
	close(seeds)
	group.Wait()
	t.Logf("seeds %d to %d: %d sequences in %s, %d differ", first, first+count-1, count, time.Since(began).Round(time.Second), different)
	for _, name := range slices.Sorted(maps.Keys(tally)) {
		t.Logf("%5d times: %s", tally[name], name)
	}
}

// number is a number of the environment, or otherwise.
func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, which is not a number of sequences", variable, text)
	}
	return n
}

// shrink returns the smallest sequence that differs in the same way, and how it does.
func (w *twins) shrink(ctx context.Context, s differential.Sequence, found *mismatch) (differential.Sequence, *mismatch) {
	s.Steps = s.Steps[:found.step+1]
	s = differential.Shrink(s, 60, func(smaller differential.Sequence) bool {
		again, err := w.play(ctx, smaller)
		if err != nil || again == nil || again.what != found.what {
			return false
		}
		found = again
		return true
	})
	return s, found
}

// mismatch is a step after which the two namespaces are not the same.
type mismatch struct {
	step int
	// what is the kind of the difference, text what it is.
	what, text string
}

func (m mismatch) String() string { return fmt.Sprintf("step %d: %s: %s", m.step+1, m.what, m.text) }
