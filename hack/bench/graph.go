package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// The graph that is run: tasks that sleep, each after some of those before it.
	graphTasks = 200
	// A run may take this part, and that time, more than its critical path.
	graphFactor = 1.05
	graphExtra  = 300 * time.Millisecond

	// The plan that is made: how many tasks, how long it may take and how much memory.
	planTasks  = 10_000
	planTime   = time.Second
	planMemory = 300 << 20
)

const head = "apiVersion: kubectl-tasks.io/v1alpha1\nkind: Tasks\ntasks:\n"

// runGraph runs a random graph of sleeps and returns an error when that takes much longer than its
// longest way.
func runGraph(ours string) error {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same graph each time
	var file strings.Builder
	file.WriteString(head)
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
		fmt.Fprintf(&file, "- {name: t%d, phase: pre-deploy, needs: [%s], host: {command: [sleep, %q]}}\n", i, strings.Join(needs, ", "), fmt.Sprint(sleep.Seconds()))
	}
	took, _, err := run(ours, file.String(), "run", "--phase", "pre-deploy", "--concurrency", fmt.Sprint(graphTasks))
	if err != nil {
		return err
	}
	limit := time.Duration(float64(critical)*graphFactor) + graphExtra
	fmt.Printf("graph of %d tasks: %s, critical path %s: ratio %.3f, at most %s\n",
		graphTasks, took.Round(time.Millisecond), critical, float64(took)/float64(critical), limit.Round(time.Millisecond))
	if took > limit {
		return errors.New("the graph took too long")
	}
	return nil
}

// makePlan plans very many tasks.
func makePlan(ours string) error {
	var file strings.Builder
	file.WriteString(head)
	for i := range planTasks {
		fmt.Fprintf(&file, "- {name: t%d, phase: pre-deploy, needs: [t%d], host: {command: [x]}}\n", i, max(0, i-7)/2*2+i%2)
	}
	text := strings.Replace(file.String(), "name: t0, phase: pre-deploy, needs: [t0]", "name: t0, phase: pre-deploy", 1)
	text = strings.Replace(text, "name: t1, phase: pre-deploy, needs: [t1]", "name: t1, phase: pre-deploy", 1)
	took, memory, err := run(ours, text, "plan", "run", "--phase", "pre-deploy")
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 2 {
		return fmt.Errorf("planning: want exit code 2: %w", err)
	}
	fmt.Printf("plan of %d tasks: %s, at most %s; %d MB, at most %d\n", planTasks, took.Round(time.Millisecond), planTime, memory>>20, planMemory>>20)
	if took > planTime || memory > planMemory {
		return errors.New("the plan took too long, or too much")
	}
	return nil
}

// run runs the program in a directory with that tasks.yaml, and returns how long it took and how many
// bytes of memory it had at most.
func run(ours, tasks string, args ...string) (took time.Duration, memory int64, err error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.WriteFile(filepath.Join(dir, "tasks.yaml"), []byte(tasks), 0o600); err != nil {
		return 0, 0, err
	}
	program, err := filepath.Abs(ours)
	if err != nil {
		return 0, 0, err
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	began := time.Now()
	err = cmd.Run()
	took = time.Since(began)
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		memory = usage.Maxrss << 10
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, errOut.String()[max(0, errOut.Len()-500):])
	}
	return took, memory, err
}
