// Command bench measures the program: its start-up time as a ratio to helm's in the same run, because
// figures of different runs on a busy machine say nothing about each other; a graph of sleeping tasks
// as a ratio to its critical path; and the plan of very many tasks.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

const (
	rounds = 40
	// limit is the ratio above which start-up has become too slow.
	limit = 1.0
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: bench KUBECTL-TASKS HELM")
		os.Exit(2)
	}
	err := errors.Join(compare(os.Args[1], os.Args[2]), runGraph(os.Args[1]), makePlan(os.Args[1]))
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// compare runs "version" of both programs in turn and returns an error when ours takes longer.
func compare(ours, helm string) error {
	var times [2][]time.Duration
	// The first round fills the page cache.
	for round := range rounds + 1 {
		for i, program := range []string{ours, helm} {
			began := time.Now()
			if out, err := exec.Command(program, "version").CombinedOutput(); err != nil {
				return fmt.Errorf("%s version: %w\n%s", program, err, out)
			}
			if round > 0 {
				times[i] = append(times[i], time.Since(began))
			}
		}
	}
	ratio := float64(median(times[0])) / float64(median(times[1]))
	fmt.Printf("version: %s, helm %s: ratio %.2f, at most %.2f (medians of %d runs in turn)\n",
		median(times[0]).Round(100*time.Microsecond), median(times[1]).Round(100*time.Microsecond), ratio, limit, rounds)
	if ratio > limit {
		return fmt.Errorf("starting takes %.2f times as long as helm", ratio)
	}
	return nil
}

func median[T cmp.Ordered](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}
