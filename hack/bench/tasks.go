package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// image is the one that all pods run.
const image = "busybox:test"

const tasksHead = "apiVersion: kubectl-tasks.io/v1alpha1\nkind: Tasks\ntasks:\n"

func writeFiles(dir string, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // of this run only
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writeTasks writes a directory with a tasks.yaml.
func (b *bench) writeTasks(name, tasks string) (string, error) {
	dir := filepath.Join(b.dir, "tasks-"+name)
	return dir, writeFiles(dir, map[string]string{"tasks.yaml": tasksHead + tasks})
}

// jobTasks are tasks that run a Job each.
func jobTasks(n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, "- {name: job-%d, phase: post-deploy, job: {image: %q, command: [echo, done]}}\n", i, image)
	}
	return all.String()
}

// pods measures a task in a pod of its own next to a program that does nothing else, and a Job next to kubectl.
func (b *bench) pods(ctx context.Context) error {
	dir, err := b.writeTasks("pods", fmt.Sprintf("- {name: pod, pod: {image: %[1]q, command: [echo, done]}}\n- {name: job, job: {image: %[1]q, command: [echo, done]}}\n", image))
	if err != nil {
		return err
	}
	times := map[string][]measured{}
	measure := func(name string, c command) error {
		m, err := b.timed(ctx, c)
		times[name] = append(times[name], m)
		return err
	}
	// The kubelet looks at its containers once a second, so what is begun after one of its looks and what is begun
	// before the next differ by up to that: each is begun at all moments of such a second, which steps of the golden
	// ratio spread evenly, however many there are and however the kubelet's seconds drift.
	for round := range b.rounds(20, 7) {
		moment := time.Duration(math.Mod(float64(round)*math.Phi, 1) * float64(time.Second))
		for name, c := range map[string]command{
			"pod":      {program: b.ours, args: []string{"run", "pod"}, dir: dir},
			"baseline": {program: b.baseline, args: []string{image}},
		} {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Until(time.Now().Truncate(time.Second).Add(time.Second + moment))):
			}
			if err := measure(name, c); err != nil {
				return err
			}
		}
	}
	for round := range b.rounds(15, 3) {
		job := fmt.Sprintf("bench-job-%d", round)
		create := fmt.Sprintf("%[1]s create job %[2]s --image=%[3]s -- echo done && %[1]s wait --for=condition=complete job/%[2]s", b.kubectl, job, image)
		if err := errors.Join(
			measure("job", command{program: b.ours, args: []string{"run", "job"}, dir: dir}),
			measure("kubectl", command{program: "sh", args: []string{"-c", create}}),
			b.do(ctx, command{program: b.kubectl, args: []string{"delete", "job", job}}),
		); err != nil {
			return err
		}
	}
	b.table.add(row{Work: "a pod task", Unit: "s", Ours: seconds(times["pod"]), Other: "30 lines of Go", Theirs: seconds(times["baseline"]), Goal: 1.05, Floor: 1.25})
	b.table.compare("a job task", times["job"], "kubectl create job, wait", times["kubectl"], 0.8)
	return nil
}

// further is how many execs one run has after its first.
const further = 10

// exec measures commands in running pods.
func (b *bench) exec(ctx context.Context) (err error) {
	many := b.rounds(50, 12)
	manifest := filepath.Join(b.dir, "exec.yaml")
	if err := writeFiles(b.dir, map[string]string{"exec.yaml": fmt.Sprintf(execWorkload, image, many)}); err != nil {
		return err
	}
	if err := b.do(ctx,
		command{program: b.kubectl, args: []string{"apply", "-f", manifest}},
		command{program: b.kubectl, args: []string{"rollout", "status", "deployment/bench-exec", "--timeout=300s"}},
	); err != nil {
		return err
	}
	defer func() {
		if e := b.do(context.WithoutCancel(ctx), command{program: b.kubectl, args: []string{"delete", "-f", manifest, "--wait=false"}}); err == nil {
			err = e
		}
	}()
	var tasks strings.Builder
	for i := range further + 1 {
		fmt.Fprintf(&tasks, "- {name: e%d, needs: [%s], exec: {target: deployment/bench-exec, command: [\"true\"]}}\n", i, strings.Repeat(fmt.Sprintf("e%d", i-1), min(i, 1)))
	}
	dir, err := b.writeTasks("exec", tasks.String())
	if err != nil {
		return err
	}
	names := make([]string, further+1)
	for i := range names {
		names[i] = fmt.Sprintf("e%d", i)
	}
	times := map[string][]measured{}
	for range b.rounds(15, 5) {
		for _, c := range []struct {
			name string
			command
		}{
			{"one", command{program: b.ours, args: []string{"run", "--exec", "deployment/bench-exec", "--", "true"}}},
			{"kubectl", command{program: b.kubectl, args: []string{"exec", "deployment/bench-exec", "--", "true"}}},
			{"first", command{program: b.ours, args: []string{"run", "e0", "--record=none"}, dir: dir}},
			{"all", command{program: b.ours, args: append([]string{"run", "--record=none"}, names...), dir: dir}},
		} {
			m, err := b.timed(ctx, c.command)
			if err != nil {
				return err
			}
			times[c.name] = append(times[c.name], m)
		}
	}
	b.table.compare("exec in one pod", times["one"], "kubectl exec", times["kubectl"], 1.05)
	each := make([]float64, len(times["all"]))
	for i := range each {
		each[i] = (times["all"][i].wall - times["first"][i].wall).Seconds() / further
	}
	b.table.add(row{Work: "each further exec of a run", Unit: "s", Ours: each, Other: "kubectl exec", Theirs: seconds(times["kubectl"]), Goal: 0.5, Floor: 0.8})

	pods := fmt.Sprintf("exec in %d pods", many)
	everywhere := fmt.Sprintf("%[1]s get pods -l app=bench-exec -o name | xargs -P8 -I{} %[1]s exec {} -- true", b.kubectl)
	for range b.rounds(5, 2) {
		ours, err := b.timed(ctx, command{program: b.ours, args: []string{"run", "--exec", "deployment/bench-exec", "--pods=all", "--parallel=50", "--", "true"}})
		if err != nil {
			return err
		}
		theirs, err := b.timed(ctx, command{program: "sh", args: []string{"-c", everywhere}})
		if err != nil {
			return err
		}
		times["everywhere"], times["xargs"] = append(times["everywhere"], ours), append(times["xargs"], theirs)
	}
	b.table.add(row{Work: pods, Unit: "s", Ours: seconds(times["everywhere"]), Other: "xargs -P8 kubectl exec", Theirs: seconds(times["xargs"]), Goal: 0.25, Floor: 0.7})
	return nil
}

const execWorkload = `apiVersion: apps/v1
kind: Deployment
metadata: {name: bench-exec}
spec:
  replicas: %[2]d
  selector: {matchLabels: {app: bench-exec}}
  template:
    metadata: {labels: {app: bench-exec}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: %[1]q, command: [sleep, "100000"]}]
`
