package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
)

// start measures what a program needs before it does anything.
func (b *bench) start(ctx context.Context) error {
	times := map[string][]measured{}
	for round := range b.rounds(40, 15) + 1 {
		for name, c := range map[string]command{
			"version":      {program: b.ours, args: []string{"version"}},
			"--help":       {program: b.ours, args: []string{"--help"}},
			"helm version": {program: b.helm3, args: []string{"version"}},
		} {
			m, err := b.timed(ctx, c)
			if err != nil {
				return err
			}
			if round > 0 { // the first one fills the page cache
				times[name] = append(times[name], m)
			}
		}
	}
	b.table.compare("version", times["version"], "helm 3 version", times["helm version"], 0.8)
	b.table.compare("--help", times["--help"], "helm 3 version", times["helm version"], 0.8)
	return nil
}

// contender is a program that installs a chart.
type contender struct {
	name    string
	program string
	args    []string
	// dir holds the tasks.
	dir string
}

func (b *bench) helms() []contender {
	return []contender{{name: "helm 3", program: b.helm3}, {name: "helm 4", program: b.helm4}, {name: "ours", program: b.ours}}
}

// installed is what the contenders took, by name.
type installed struct{ install, uninstall map[string][]measured }

// installs has the contenders install a chart, and uninstall it, in turn.
func (b *bench) installs(ctx context.Context, rounds int, chart string, contenders []contender) (installed, error) {
	times := installed{map[string][]measured{}, map[string][]measured{}}
	for round := range rounds {
		for i, c := range contenders {
			release := fmt.Sprintf("bench-%d-%d", round, i)
			m, err := b.timed(ctx, command{program: c.program, args: append([]string{"install", release, chart, "--wait"}, c.args...), dir: c.dir})
			if err != nil {
				return times, err
			}
			times.install[c.name] = append(times.install[c.name], m)
			m, err = b.timed(ctx, command{program: c.program, args: []string{"uninstall", release, "--wait"}})
			if err != nil {
				return times, err
			}
			times.uninstall[c.name] = append(times.uninstall[c.name], m)
			// What the release leaves must not slow the next one down.
			if err := b.do(ctx,
				command{program: b.kubectl, args: []string{"delete", "job,pod", "-l", "bench=" + release, "--ignore-not-found", "--wait"}},
				command{program: b.kubectl, args: []string{"wait", "--for=delete", "pod", "-l", "app=" + release, "--timeout=60s"}},
			); err != nil {
				return times, err
			}
		}
	}
	return times, nil
}

// release measures Helm's own work: a chart with one Deployment of two replicas.
func (b *bench) release(ctx context.Context) error {
	chart, err := b.writeChart(0)
	if err != nil {
		return err
	}
	if _, err := b.installs(ctx, 1, chart, b.helms()); err != nil { // caches are filled
		return err
	}
	t, err := b.installs(ctx, b.rounds(9, 3), chart, b.helms())
	if err != nil {
		return err
	}
	const work = "install --wait, 2 replicas"
	b.table.compare(work, t.install["ours"], "helm 3", t.install["helm 3"], 0.55)
	b.table.compare(work, t.install["ours"], "helm 4", t.install["helm 4"], 1.0)
	better := "helm 3"
	if median(seconds(t.uninstall["helm 4"])) < median(seconds(t.uninstall["helm 3"])) {
		better = "helm 4"
	}
	b.table.compare("uninstall --wait", t.uninstall["ours"], better, t.uninstall[better], 1.0)
	for _, other := range []string{"helm 3", "helm 4"} {
		if b.audit == "" {
			continue // there is no count of them
		}
		b.table.add(row{Work: "API requests of that install", Ours: requests(t.install["ours"]), Other: other, Theirs: requests(t.install[other]), Goal: 1})
	}
	b.table.add(row{Work: "peak memory of that install", Unit: "MB", Ours: megabytes(t.install["ours"]), Other: "helm 3", Theirs: megabytes(t.install["helm 3"]), Goal: 1})
	return nil
}

// hooks measures charts with hooks that are Jobs, and Jobs of our own in their place.
func (b *bench) hooks(ctx context.Context) error {
	one, err := b.writeChart(1)
	if err != nil {
		return err
	}
	beside := b.helms()
	if b.quick {
		beside = slices.Delete(beside, 1, 2) // helm 4, which takes as long as helm 3
	}
	t, err := b.installs(ctx, b.rounds(5, 1), one, beside)
	if err != nil {
		return err
	}
	b.table.add(row{Work: "1 hook that is a Job", Unit: "s", Ours: seconds(t.install["ours"]), Other: "helm 3", Theirs: seconds(t.install["helm 3"]), Goal: 0.5, Floor: b.floor(0, 0.6)})
	if !b.quick {
		b.table.compare("1 hook that is a Job", t.install["ours"], "helm 4", t.install["helm 4"], 0)
	}

	five, err := b.writeChart(5)
	if err != nil {
		return err
	}
	contenders := slices.Concat(beside, []contender{{name: "parallel", program: b.ours, args: []string{"--hooks=parallel"}}})
	if t, err = b.installs(ctx, b.rounds(5, 1), five, contenders); err != nil {
		return err
	}
	none, err := b.writeChart(0)
	if err != nil {
		return err
	}
	tasks, err := b.writeTasks("five", jobTasks(5))
	if err != nil {
		return err
	}
	native, err := b.installs(ctx, b.rounds(5, 1), none, []contender{{name: "native", program: b.ours, dir: tasks}})
	if err != nil {
		return err
	}
	b.table.compare("5 hooks, --hooks=serial", t.install["ours"], "helm 3", t.install["helm 3"], 0.65)
	if !b.quick {
		b.table.compare("5 hooks, --hooks=serial", t.install["ours"], "helm 4", t.install["helm 4"], 0)
	}
	b.table.compare("5 hooks, --hooks=parallel", t.install["parallel"], "helm 3", t.install["helm 3"], 0.25)
	b.table.compare("5 job tasks, post-deploy", native.install["native"], "helm 3, 5 hooks", t.install["helm 3"], 0.25)
	return nil
}

// writeChart writes a chart with a Deployment of two replicas and hooks that are Jobs.
func (b *bench) writeChart(hooks int) (string, error) {
	dir := filepath.Join(b.dir, fmt.Sprintf("chart-%d", hooks))
	files := map[string]string{
		"Chart.yaml":               "apiVersion: v2\nname: bench\nversion: 0.1.0\n",
		"templates/workload.yaml":  workload,
		"templates/service.yaml":   service,
		"templates/configmap.yaml": configMap,
	}
	for i := range hooks {
		files[fmt.Sprintf("templates/hook-%d.yaml", i)] = fmt.Sprintf(hookJob, i)
	}
	return dir, writeFiles(dir, files)
}

const (
	workload = `apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  replicas: 2
  selector: {matchLabels: {app: "{{ .Release.Name }}"}}
  template:
    metadata: {labels: {app: "{{ .Release.Name }}"}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: "` + image + `", command: [sleep, "100000"]}]
`
	service = `apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}"}
spec: {selector: {app: "{{ .Release.Name }}"}, ports: [{port: 80}]}
`
	configMap = `apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
data: {greeting: hello}
`
	hookJob = `apiVersion: batch/v1
kind: Job
metadata:
  name: "{{ .Release.Name }}-hook-%d"
  labels: {bench: "{{ .Release.Name }}"}
  annotations: {helm.sh/hook: post-install}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "` + image + `", command: [echo, done]}]
`
)
