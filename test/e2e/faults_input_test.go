//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestInputFaults is about documents that are too much, or not what they were.
func TestInputFaults(t *testing.T) {
	runFaults(t, true, []faultCase{
		{35, "documents that are too large, too deep, or go round in circles", bombs, false},
		{35, "ten thousand tasks", many, false},
		{38, "a chart whose files lie elsewhere", elsewhere, false},
		{39, "a chart with a task for this machine", hostTask, false},
		{40, "a ConfigMap that is edited in the middle of a run", edited, false},
	})
}

const begin = "apiVersion: kubectl-tasks.io/v1alpha1\nkind: Tasks\ntasks:\n"

// bombs: an invalid document is refused with its position, and no task of it runs.
func bombs(f *faulty) (string, int) {
	task := "- {name: a, phase: pre-install, host: {command: [touch, ran]}}\n"
	aliases := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 12 {
		aliases += fmt.Sprintf("a%[2]d: &a%[2]d [*a%[1]d, *a%[1]d, *a%[1]d, *a%[1]d, *a%[1]d, *a%[1]d, *a%[1]d, *a%[1]d, *a%[1]d, *a%[1]d]\n", i, i+1)
	}
	cases := []struct{ name, text, says string }{
		{"too large", begin + task + "# " + strings.Repeat("x", 1<<20), "at most 1048576 bytes"},
		{"an alias bomb", aliases + begin + task, "grows too large"},
		{"an alias in itself", begin + task + "x: &x [*x]\n", "tasks.yaml:5"},
		{"a key twice", begin + task + "- {name: b, name: c, host: {command: [x]}}\n", "tasks.yaml:5"},
		{"too deep", begin + task + "x: " + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + "\n", "tasks.yaml"},
		{"a NUL", begin + task + "- {name: \"b\x00\", host: {command: [x]}}\n", "tasks.yaml"},
		{"text that runs backwards", begin + task + "- {name: \"b\u202e\", host: {command: [x]}}\n", "tasks.yaml:5"},
		{"a circle", begin + task + "- {name: b, phase: pre-install, needs: [c], host: {command: [x]}}\n- {name: c, phase: pre-install, needs: [b], host: {command: [x]}}\n", "b → c → b"},
		{"a retry that never ends", begin + task + "- {name: b, retries: 1000000, host: {command: [x]}}\n", "tasks.yaml:5"},
		{"more than a few tasks", begin + task + strings.Repeat("- {name: b}\n", 20000), "10000"},
	}
	for _, c := range cases {
		f.file("tasks.yaml", c.text)
		code, _, stderr := f.run("install", "web", filepath.Join(rootDir, "examples/web"))
		if code != 3 || !strings.Contains(stderr, c.says) || len(stderr) > 64<<10 {
			f.Errorf("%s: exit code %d, said\n%.500s", c.name, code, stderr)
		}
	}
	if ran(f.dir) {
		f.Error("a task has run")
	}
	return fmt.Sprintf("%d of %d refused, with their places", len(cases), len(cases)), 3
}

// many: as many tasks as a document may have are planned.
func many(f *faulty) (string, int) {
	var b strings.Builder
	b.WriteString(begin)
	for i := range 10000 {
		fmt.Fprintf(&b, "- {name: t%d, phase: pre-install, host: {command: [x]}}\n", i)
	}
	f.file("tasks.yaml", b.String())
	began := time.Now()
	code, stdout, stderr := f.run("plan", "install", "web", filepath.Join(rootDir, "examples/web"))
	if code != 2 || !strings.Contains(stdout, "t9999") { // there is something to do
		f.Errorf("exit code %d\n%.500s", code, stderr)
	}
	return fmt.Sprintf("planned in %.1f s", time.Since(began).Seconds()), code
}

// chart writes a chart that has only these files.
func (f *faulty) chart(files map[string]string) string {
	f.Helper()
	f.mkdir("chart")
	f.file("chart/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n")
	for name, text := range files {
		f.file("chart/"+name, text)
	}
	return filepath.Join(f.dir, "chart")
}

// elsewhere: of this machine, a chart's tasks can name no file but the chart's own. More is in
// hostile-chart.txtar.
func elsewhere(f *faulty) (string, int) {
	f.file("mine.py", "print('mine alone')\n")
	for _, name := range []string{"../mine.py", filepath.Join(f.dir, "mine.py"), "x/../../mine.py"} {
		chart := f.chart(map[string]string{"tasks.yaml": begin + "- {name: leak, phase: pre-install, function: {runtime: python, file: " + name + "}}\n"})
		code, _, stderr := f.run("install", "web", chart)
		if code != 3 || !strings.Contains(stderr, "the chart has no file "+name) || strings.Contains(stderr, "alone") {
			f.Errorf("%s: exit code %d\n%s", name, code, stderr)
		}
	}
	return "refused, nothing outside of it is read", 3
}

func hostTask(f *faulty) (string, int) {
	chart := f.chart(map[string]string{"tasks.yaml": begin + "- {name: mine, phase: pre-install, host: {command: [touch, ran]}}\n"})
	p := f.startWith([]string{"CI=true"}, "install", "web", chart, "--yes")
	code := p.end(time.Minute)
	if code != 4 || !strings.Contains(p.errOut.String(), "mine runs on this machine: touch ran") || ran(f.dir) {
		f.Errorf("exit code %d", code)
	}
	return "refused, its command shown; --yes does not answer that", code
}

// edited: a run goes on with what it was planned from, and who goes on with it later is told that it has
// changed.
func edited(f *faulty) (string, int) {
	apply := func(what string) {
		f.file("data/tasks.yaml", begin+"- {name: first, phase: pre-install, pod: {image: busybox:test, command: [sh, -c, \"echo begun; sleep 3\"]}}\n- {name: second, phase: pre-install, needs: [first], pod: {image: busybox:test, command: [sh, -c, \"echo "+what+"; exit 3\"]}}\n")
		f.file("cm.yaml", f.kubectl("create", "configmap", "tasks", "--from-file=data", "--dry-run=client", "-o", "yaml"))
		f.kubectl("apply", "-f", "cm.yaml")
	}
	f.mkdir("data")
	apply("as planned")
	p := f.start("install", "web", filepath.Join(rootDir, "examples/web"), "-t", "configmap/tasks", "--set", "replicas=1")
	p.says("| begun")
	apply("edited")
	if code := p.end(time.Minute); code != 1 || !strings.Contains(p.errOut.String(), "| as planned") {
		f.Errorf("exit code %d of the run", code)
	}
	code, _, stderr := f.run("resume", "--chart", filepath.Join(rootDir, "examples/web"))
	if code != 4 || !strings.Contains(stderr, "configmap/tasks/tasks.yaml has changed") || !strings.Contains(stderr, `step "second" has changed`) {
		f.Errorf("exit code %d of resume\n%s", code, stderr)
	}
	return "the run does what was planned; resume says what has changed", code
}
