package plan

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// define returns a valid task from "name phase [need…]"; the phase "-" is none.
func define(definition string) task.Task {
	fields := strings.Fields(definition)
	return task.Task{
		Name: fields[0], Phase: task.Phase(strings.Trim(fields[1], "-")), Needs: fields[2:],
		Executor: task.Host{Command: task.Command{Argv: []string{"true"}, Text: "true"}},
		Position: task.Position{File: "f", Line: 1},
	}
}

func defineAll(definitions ...string) []task.Task {
	var tasks []task.Task
	for _, d := range definitions {
		tasks = append(tasks, define(d))
	}
	return tasks
}

// draw returns each step of a plan as "id < needs".
func draw(p Plan) []string {
	var lines []string
	for _, s := range p.Steps {
		line := s.ID
		if len(s.Needs) > 0 {
			line += " < " + strings.Join(s.Needs, " ")
		}
		lines = append(lines, line)
	}
	return lines
}

func TestBuild(t *testing.T) {
	draft := []string{
		"pre-up/a pre-deploy", "pre-up/b pre-deploy pre-up/a",
		"post-deploy/c post-deploy", "post-deploy/d post-deploy post-deploy/c",
		"post-up/e post-deploy post-deploy/d",
		"cleanup/f post-uninstall",
	}
	tests := []struct {
		name  string
		op    task.Operation
		tasks []string
		want  []string
	}{
		{name: "install without tasks", op: task.Install, want: []string{"helm/apply"}},
		{name: "uninstall without tasks", op: task.Uninstall, want: []string{"helm/delete"}},
		{
			name: "a Draft file, install", op: task.Install, tasks: draft,
			want: []string{
				"pre-up/a", "pre-up/b < pre-up/a", "helm/apply < pre-up/b", "helm/ready < helm/apply",
				"post-deploy/c < helm/ready", "post-deploy/d < helm/ready post-deploy/c", "post-up/e < helm/ready post-deploy/d",
			},
		},
		{name: "a Draft file, uninstall", op: task.Uninstall, tasks: draft, want: []string{"helm/delete", "cleanup/f < helm/delete"}},
		{name: "only tasks before: readiness is not waited for", op: task.Upgrade, tasks: []string{"a pre-upgrade"}, want: []string{"a", "helm/apply < a"}},
		{name: "phases of the other operation", op: task.Install, tasks: []string{"a pre-upgrade", "b post-upgrade", "c pre-install"}, want: []string{"c", "helm/apply < c"}},
		{
			name: "a need for what has no phase here is met", op: task.Install,
			tasks: []string{"backup pre-upgrade", "migrate post-deploy backup"},
			want:  []string{"helm/apply", "helm/ready < helm/apply", "migrate < helm/ready"},
		},
		{
			name: "needs may be written before what they need", op: task.Install,
			tasks: []string{"c pre-install b", "b pre-install a", "a pre-install"},
			want:  []string{"a", "b < a", "c < b", "helm/apply < c"},
		},
		{
			name: "mid tasks run when the manifests are applied; what comes after waits for them and for readiness", op: task.Install,
			tasks: []string{"migrate mid-deploy", "seed mid-install migrate", "smoke post-deploy", "before pre-deploy"},
			want: []string{
				"before", "helm/apply < before", "helm/finish < helm/apply", "migrate < helm/apply", "seed < helm/apply migrate",
				"helm/ready < helm/finish seed", "smoke < helm/ready",
			},
		},
		{
			name: "mid tasks alone: readiness is not waited for", op: task.Upgrade, tasks: []string{"migrate mid-deploy"},
			want: []string{"helm/apply", "helm/finish < helm/apply", "migrate < helm/apply"},
		},
		{
			name: "a phase is needed", op: task.Install, tasks: []string{"a pre-install", "b pre-deploy pre-install", "c pre-install"},
			want: []string{"a", "c", "b < a c", "helm/apply < b"},
		},
		{
			name: "an object is needed, before and after Helm's step", op: task.Upgrade,
			tasks: []string{"a pre-upgrade sts/db", "b mid-upgrade sts/db", "c post-upgrade sts/db"},
			want: []string{
				"ready-before/sts/db", "a < ready-before/sts/db", "helm/apply < a", "helm/finish < helm/apply", "ready/sts/db < helm/apply",
				"b < helm/apply ready/sts/db", "helm/ready < helm/finish b", "c < helm/ready ready/sts/db",
			},
		},
		{
			name: "on-failure and finally stand at the end, and wait for nothing", op: task.Rollback,
			tasks: []string{"z finally", "y on-failure", "a pre-rollback", "b post-rollback", "x pre-install"},
			want:  []string{"a", "helm/apply < a", "helm/ready < helm/apply", "b < helm/ready", "y", "z"},
		},
		{name: "tasks without a phase run by name only", op: task.Install, tasks: []string{"a -"}, want: []string{"helm/apply"}},
		{
			name: "pre-uninstall", op: task.Uninstall, tasks: []string{"a pre-uninstall", "b post-uninstall"},
			want: []string{"a", "helm/delete < a", "b < helm/delete"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Build(tt.op, Release{Name: "web", Namespace: "ns"}, defineAll(tt.tasks...))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, draw(p)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := len(p.Tasks()) + len(p.Omitted); got != len(tt.tasks) {
				t.Errorf("%d tasks are in the plan or left, of %d", got, len(tt.tasks))
			}
			for _, s := range p.Steps {
				if s.Release.Name != "web" || s.Reason == "" {
					t.Errorf("step %s has release %+v and reason %q", s.ID, s.Release, s.Reason)
				}
			}
		})
	}
}

// TestBuildReads: a task runs after those of its phase whose results it refers to. Tasks of an earlier phase have ended
// anyway.
func TestBuildReads(t *testing.T) {
	tasks := defineAll("a pre-install", "b post-install", "c post-install", "d finally")
	tasks[0].Outputs = []task.OutputDefinition{{Name: "o"}}
	tasks[1].Reads = []task.Read{{Task: "a", Output: "o"}, {Task: "c"}}
	tasks[3].Reads = []task.Read{{Task: "a", Output: "o"}}
	p, err := Build(task.Install, Release{Name: "web"}, tasks)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a", "helm/apply < a", "helm/ready < helm/apply", "c < helm/ready", "b < helm/ready c", "d"}
	if diff := cmp.Diff(want, draw(p)); diff != "" {
		t.Error(diff)
	}
	for want, read := range map[string]task.Read{
		"f:1: task \"a\" refers to task \"bbb\", which is not defined\nhint: did you mean \"bbbb\"?":                      {Task: "bbb"},
		"f:1: task \"a\" refers to the output \"p\" of task \"b\", which is not defined\nhint: task \"b\" has no outputs": {Task: "b", Output: "p"},
		"f:1: task \"a\" of phase pre-install refers to task \"d\", which runs later":                                     {Task: "d"},
		"f:1: dependency cycle: a → a": {Task: "a"},
	} {
		tasks := defineAll("a pre-install", "b pre-install", "d finally", "bbbb pre-install")
		tasks[0].Reads = []task.Read{read}
		if _, err := Build(task.Install, Release{}, tasks); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestBuildErrors(t *testing.T) {
	tests := []struct {
		name  string
		tasks []task.Task
		want  string
	}{
		{"name twice", defineAll("a pre-install", "a pre-upgrade"), `f:1: task "a" is defined twice, first at f:1`},
		{"unknown need", defineAll("a pre-install b"), `f:1: task "a" needs "b", which is not defined`},
		{"cycle", defineAll("a pre-install c", "b pre-install a", "c pre-install b"), "f:1: dependency cycle: a → c → b → a"},
		{"needs itself", defineAll("a pre-install a"), "f:1: dependency cycle: a → a"},
		{"a need that is nearly right", defineAll("migrate pre-install", "a pre-install migrat"), "f:1: task \"a\" needs \"migrat\", which is not defined\nhint: did you mean \"migrate\"?"},
		{"needs its own phase", defineAll("a pre-install pre-install"), `f:1: task "a" needs its own phase pre-install`},
		{"cycle through a phase", defineAll("a post-install post-deploy", "b post-deploy a"), "f:1: dependency cycle: a → post-deploy → b → a"},
		{"needs a later phase by its name", defineAll("a pre-install post-install", "b post-install"), `f:1: task "a" of phase pre-install needs "post-install", which runs later`},
		{"a later stage", defineAll("a post-install z", "z finally"), `f:1: task "a" of phase post-install needs "z", which runs later`},
		{"needs a later phase", defineAll("a pre-install b", "b post-install"), `f:1: task "a" of phase pre-install needs "b", which runs later`},
		{"unknown phase", defineAll("a lunch"), `f:1: task "a" has the unknown phase "lunch"`},
		{"a name of Helm's steps", defineAll("helm/apply pre-install"), "f:1: names that start with \"helm/\" are reserved for the run's own steps"},
		{"all at once", defineAll("a lunch", "b pre-install x"), "f:1: task \"a\" has the unknown phase \"lunch\"\nf:1: task \"b\" needs \"x\", which is not defined"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Build(task.Install, Release{}, tt.tasks)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v\nwant  %s", err, tt.want)
			}
			if _, ok := errors.AsType[task.Diagnostics](err); !ok {
				t.Errorf("the error is a %T", err)
			}
		})
	}
}

func TestOnly(t *testing.T) {
	all := defineAll("a pre-deploy", "b pre-deploy a", "c post-uninstall b")
	p, err := BuildRun(Release{}, all, []task.Task{all[2], all[1]})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b", "c < b"}, draw(p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBuildRandom: whatever the tasks need, no task is lost, and each comes after all that it needs, after Helm's step
// or before it as its phase requires.
func TestBuildRandom(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		n := random.IntN(40)
		phases := []string{"pre-install", "post-deploy"}
		var tasks []task.Task
		for i := range n {
			definition := fmt.Sprintf("t%d %s", i, phases[random.IntN(2)])
			for j := range i {
				// Needs go to earlier numbers, so that there is no cycle. A task before Helm's step may need only such
				// tasks.
				if random.IntN(4) == 0 && allowedNeed(definition, tasks[j]) {
					definition += fmt.Sprintf(" t%d", j)
				}
			}
			tasks = append(tasks, define(definition))
		}
		random.Shuffle(n, func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })

		p, err := Build(task.Install, Release{}, tasks)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		place := map[string]int{}
		for i, s := range p.Steps {
			place[s.ID] = i
		}
		if len(p.Tasks()) != n {
			t.Fatalf("seed %d: %d tasks of %d are in the plan", seed, len(p.Tasks()), n)
		}
		for _, s := range p.Steps {
			for _, need := range s.Needs {
				if at, ok := place[need]; !ok || at >= place[s.ID] {
					t.Fatalf("seed %d: %s needs %s, which does not stand before it", seed, s.ID, need)
				}
			}
			if s.Task == nil {
				continue
			}
			if before := place[s.ID] < place[applyID]; before != (s.Phase == task.PreInstall) {
				t.Fatalf("seed %d: %s of phase %s is on the wrong side of Helm's step", seed, s.ID, s.Phase)
			}
			for _, need := range s.Task.Needs {
				if !slices.Contains(s.Needs, need) {
					t.Fatalf("seed %d: %s lost its need for %s", seed, s.ID, need)
				}
			}
		}
	}
}

func allowedNeed(definition string, need task.Task) bool {
	return need.Phase == task.PreInstall || strings.Contains(definition, " post-deploy")
}

// TestBuildLarge: ten thousand tasks are planned in much less than a second; quadratic time would be minutes.
func TestBuildLarge(t *testing.T) {
	const n = 10_000
	var tasks []task.Task
	for i := range n {
		definition := fmt.Sprintf("t%d %s", i, []string{"pre-deploy", "mid-deploy", "post-deploy", "finally"}[i%4])
		if i >= 8 {
			definition += fmt.Sprintf(" t%d", i-8)
		}
		if i%4 == 2 {
			definition += " mid-install pre-deploy"
		}
		tasks = append(tasks, define(definition))
	}
	p, err := Build(task.Install, Release{}, tasks[:100])
	if err != nil || len(p.Tasks()) != 100 {
		t.Fatalf("%d tasks, error %v", len(p.Tasks()), err)
	}
	allocated := testing.AllocsPerRun(1, func() {
		if _, err := Build(task.Install, Release{}, tasks[:1000]); err != nil {
			t.Fatal(err)
		}
	})
	tenfold := testing.AllocsPerRun(1, func() {
		if _, err := Build(task.Install, Release{}, tasks); err != nil {
			t.Fatal(err)
		}
	})
	if tenfold > 15*allocated {
		t.Errorf("%.0f allocations for 1,000 tasks, %.0f for 10,000", allocated, tenfold)
	}
}
