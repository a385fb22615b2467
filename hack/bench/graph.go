package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

const (
	// The graph that is run: tasks that sleep, each after some of those before it.
	graphTasks = 200
	// A run may take this part, and that time, more than its critical path.
	graphFactor = 1.05
	graphExtra  = 300 * time.Millisecond

	// The plan that is made: how many tasks, how long it may take in seconds and how many megabytes of memory.
	planTasks  = 10_000
	planTime   = 1
	planMemory = 300

	// What a task may cost in addition to its work, in seconds.
	overhead = 0.002
)

// graph measures the engine: a random graph compared with its critical path, tasks that do nothing, a large plan.
func (b *bench) graph(ctx context.Context) error {
	return errors.Join(b.runGraph(ctx), b.overhead(ctx), b.makePlan(ctx))
}

// runGraph runs a random graph of sleeps, which must not take much longer than its longest way.
func (b *bench) runGraph(ctx context.Context) error {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same graph each time
	var tasks strings.Builder
	ends := make([]time.Duration, graphTasks)
	var critical time.Duration
	for i := range ends {
		var needs []string
		var start time.Duration
		for range random.IntN(4) {
			if i > 0 {
				n := random.IntN(i)
				needs = append(needs, fmt.Sprintf("t%d", n))
				start = max(start, ends[n])
			}
		}
		sleep := time.Duration(50+random.IntN(450)) * time.Millisecond
		ends[i] = start + sleep
		critical = max(critical, ends[i])
		fmt.Fprintf(&tasks, "- {name: t%d, phase: pre-deploy, needs: [%s], host: {command: [sleep, %q]}}\n", i, strings.Join(needs, ", "), fmt.Sprint(sleep.Seconds()))
	}
	dir, err := b.writeTasks("graph", tasks.String())
	if err != nil {
		return err
	}
	var times []measured
	for range b.rounds(5, 1) {
		m, err := b.timed(ctx, command{program: b.ours, args: []string{"run", "--phase", "pre-deploy", "--concurrency", fmt.Sprint(graphTasks)}, dir: dir})
		if err != nil {
			return err
		}
		times = append(times, m)
	}
	b.table.add(row{
		Work: fmt.Sprintf("a graph of %d tasks", graphTasks), Unit: "s", Ours: seconds(times), Other: "its critical path", Theirs: []float64{critical.Seconds()},
		Limit: critical.Seconds()*graphFactor + graphExtra.Seconds(),
	})
	return nil
}

// overhead measures the overhead of a task: a plan of waits for what is there takes no work at
// all, so it is programs that end at once, and their start is part of it.
func (b *bench) overhead(ctx context.Context) error {
	took := map[int][]float64{}
	counts := []int{1, 100, 1000}
	dirs := map[int]string{}
	for _, n := range counts {
		var tasks strings.Builder
		for i := range n {
			fmt.Fprintf(&tasks, "- {name: t%d, phase: pre-deploy, host: {command: [\"true\"]}}\n", i)
		}
		dir, err := b.writeTasks(fmt.Sprintf("overhead-%d", n), tasks.String())
		if err != nil {
			return err
		}
		dirs[n] = dir
	}
	for range b.rounds(7, 3) {
		for _, n := range counts {
			m, err := b.timed(ctx, command{program: b.ours, args: []string{"run", "--phase", "pre-deploy", "--record=none"}, dir: dirs[n]})
			if err != nil {
				return err
			}
			took[n] = append(took[n], m.wall.Seconds())
		}
	}
	one := median(took[1])
	each := func(n int) []float64 {
		values := make([]float64, len(took[n]))
		for i, t := range took[n] {
			values[i] = (t - one) / float64(n-1)
		}
		return values
	}
	b.table.add(
		row{Work: "a host task of 1,000 that does nothing", Unit: "s", Ours: each(1000), Limit: overhead},
		row{Work: "each of 1,000 tasks, compared with each of 100", Unit: "s", Ours: each(1000), Other: "of 100", Theirs: each(100), Goal: 1.25},
	)
	return nil
}

// makePlan plans very many tasks.
func (b *bench) makePlan(ctx context.Context) error {
	var tasks strings.Builder
	for i := range planTasks {
		needs := ""
		if i > 1 {
			needs = fmt.Sprintf("t%d", max(0, i-7)/2*2+i%2)
		}
		fmt.Fprintf(&tasks, "- {name: t%d, phase: pre-deploy, needs: [%s], host: {command: [x]}}\n", i, needs)
	}
	dir, err := b.writeTasks("plan", tasks.String())
	if err != nil {
		return err
	}
	m, err := b.timed(ctx, command{program: b.ours, args: []string{"plan", "run", "--phase", "pre-deploy"}, dir: dir, code: 2})
	if err != nil {
		return err
	}
	work := fmt.Sprintf("a plan of %d tasks", planTasks)
	b.table.add(
		row{Work: work, Unit: "s", Ours: seconds([]measured{m}), Limit: planTime},
		row{Work: work + ", memory", Unit: "MB", Ours: megabytes([]measured{m}), Limit: planMemory},
	)
	return nil
}
