package lagoon

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// draw returns tasks as lines "name @line: service/container [argv] needs …".
func draw(tasks []task.Task) string {
	var b strings.Builder
	for _, t := range tasks {
		s, ok := t.Executor.(task.Service)
		if !ok {
			fmt.Fprintf(&b, "%s: %T\n", t.Name, t.Executor)
			continue
		}
		where := s.Name
		if s.Container != "" {
			where += "/" + s.Container
		}
		fmt.Fprintf(&b, "%s @%d: %s %q", t.Name, t.Position.Line, where, s.Argv())
		if len(t.Needs) > 0 {
			fmt.Fprintf(&b, " after %s", strings.Join(t.Needs, ", "))
		}
		if t.Skip != "" {
			fmt.Fprintf(&b, " skip: %s", t.Skip)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func say(found task.Diagnostics) string {
	lines := make([]string, len(found))
	for i, d := range found {
		lines[i] = string(d.Severity) + " " + strings.ReplaceAll(d.Error(), "\n", " | ")
	}
	return strings.Join(lines, "\n")
}

func TestRollout(t *testing.T) {
	tests := []struct {
		name, file string
		want, says string
		facts      Facts
	}{
		{
			name: "all fields", file: `tasks:
  pre-rollout:
    - run:
        name: dump
        command: ./dump.sh
        service: cli
  post-rollout:
    - run:
        name: migrate
        command: |
          php artisan migrate
        service: nginx
        container: php
        shell: bash
    - run: {name: warm, command: curl x, service: nginx}
`,
			want: `pre-rollout/dump @3: cli ["sh" "-c" "./dump.sh"]
post-rollout/migrate @8: nginx/php ["bash" "-c" "php artisan migrate\n"]
post-rollout/warm @15: nginx ["sh" "-c" "curl x"] after post-rollout/migrate
`,
		},
		{name: "no tasks", file: "docker-compose-yaml: x\n"},
		{name: "nothing", file: ""},
		{name: "only comments", file: "tasks:\n#  pre-rollout:\n"},
		{name: "a section without tasks", file: "tasks:\n  pre-rollout:\n  post-rollout: null\n"},
		{
			name: "what is not about tasks does not count", file: "project: [1]\nenvironment_variables: 5\nroutes: {}\ntasks: {pre-rollout: [{run: {name: a, command: x, service: cli}}]}\n",
			want: "pre-rollout/a @4: cli [\"sh\" \"-c\" \"x\"]\n",
		},
		{
			name: "numbers, the case of keys, anchors and merges", file: `x: &base {service: cli, Shell: bash}
Tasks:
  Post-Rollout:
    - run: {<<: *base, name: 5, Command: 1.5}
    - run: &two {name: two, command: true, service: cli}
    - run: *two
`,
			want: `post-rollout/5 @4: cli ["bash" "-c" "1.5"]
post-rollout/two @5: cli ["sh" "-c" "true"] after post-rollout/5
post-rollout/two (2) @6: cli ["sh" "-c" "true"] after post-rollout/two
`,
		},
		{
			name: "tasks without a name, unknown keys, keys that are there twice", file: `tasks:
  post-rolout: []
  post-rollout:
    - run: {command: a, service: cli, comand: b, namespace: x}
      when: y
    - run:
        command: b
        service: nginx
        service: cli
`,
			want: `post-rollout/task 1 @4: cli ["sh" "-c" "a"]
post-rollout/task 2 @6: cli ["sh" "-c" "b"] after post-rollout/task 1
`,
			says: `warning f.yml:2:3: unknown key "post-rolout" in a list of tasks; Lagoon ignores it | hint: did you mean "post-rollout"?
warning f.yml:4:39: unknown key "comand" in a task; Lagoon ignores it | hint: did you mean "command"?
warning f.yml:4:61: namespace is ignored, as by Lagoon: tasks run in the namespace of the release
warning f.yml:5:7: unknown key "when" in a task; Lagoon ignores it
warning f.yml:9:9: "service" is defined twice, first at f.yml:8:9; the last one applies`,
		},
		{
			name: "fields beside run", file: "tasks:\n  pre-rollout:\n    - run:\n      name: a\n      command: x\n      service: cli\n",
			says: `error f.yml:3:7: run is empty, because name, command, service are at its level and not below it: Lagoon reads a task without a command and a service; indent them by two more spaces | hint: write it as |   - run: |       name: … |       command: … |       service: …`,
		},
		{
			name: "no tasks at all", file: "tasks:\n  pre-rollout:\n    - run:\n    - name: a\n    - x\n    - run: y\n",
			says: `error f.yml:3:7: this task has no run: Lagoon reads one without a command and a service | hint: write it as |   - run: |       name: … |       command: … |       service: …
error f.yml:4:7: this task has no run: Lagoon reads one without a command and a service | hint: write it as |   - run: |       name: … |       command: … |       service: …
error f.yml:5:7: this is not a task | hint: write it as |   - run: |       name: … |       command: … |       service: …
error f.yml:6:12: run must be a mapping | hint: write it as |   - run: |       name: … |       command: … |       service: …`,
		},
		{
			name: "no service", file: "tasks: {pre-rollout: [{run: {name: x, command: y}}]}",
			says: `error f.yml:1:23: task "x": service is required (Lagoon would find no deployment)`,
		},
		{
			name: "types", file: `tasks:
  post-rollout:
    - run: {name: a, service: cli, command: [a, b]}
    - run: {name: b, service: [cli], command: a, weight: "1", requiresEnvironment: "yes"}
`,
			says: `error f.yml:3:45: command must be a string, not a list | hint: write one line for the shell (command: first && second), or a block with |
error f.yml:4:31: service must be a string
error f.yml:4:58: weight must be a whole number, without quotes
error f.yml:4:84: requiresEnvironment must be true or false, without quotes`,
		},
		{name: "tasks is a list", file: "tasks: [a]", says: "error f.yml:1:8: tasks must be a mapping | hint: below tasks:, write pre-rollout: or post-rollout:, each with a list"},
		{name: "a section is a mapping", file: "tasks: {pre-rollout: {run: x}}", says: "error f.yml:1:22: pre-rollout must be a list of tasks | hint: begin each task with - run:"},
		{name: "a list", file: "- run: {}", says: "error f.yml:1:1: this is not a mapping, and therefore not a .lagoon.yml"},
		{
			name: "an empty command", file: "tasks: {pre-rollout: [{run: {name: x, service: cli}}]}", want: "pre-rollout/x @1: cli [\"sh\" \"-c\" \"\"]\n",
			says: `warning f.yml:1:23: task "x" has an empty command, which succeeds`,
		},
		{
			name: "weights without an override", file: "tasks: {pre-rollout: [{run: {name: x, service: cli, command: a, weight: 2}}, {run: {name: z, service: cli, command: a, weight: 1}}]}",
			want: "pre-rollout/x @1: cli [\"sh\" \"-c\" \"a\"]\npre-rollout/z @1: cli [\"sh\" \"-c\" \"a\"] after pre-rollout/x\n",
			says: "warning f.yml:1:23: weight applies only when the file has an override, as in Lagoon; the tasks run in the order of the file",
		},
		{
			name: "a tag on nothing", file: "tasks: {pre-rollout: [{run: {name: x, service: cli, command: a, when: !T }}]}",
			want: "pre-rollout/x @1: cli [\"sh\" \"-c\" \"a\"]\n",
			says: `warning f.yml:1:71: !T is a YAML tag and not part of the value; Lagoon reads "" | hint: write when: "!T"`,
		},
		{
			name: "not YAML elsewhere", file: "routes:\n  a: [\ntasks:\n  post-rollout:\n    - run: {name: a, service: cli, command: x}\nlast: x\n",
			want: "post-rollout/a @5: cli [\"sh\" \"-c\" \"x\"]\n",
			says: "warning f.yml:3: not YAML: did not find expected ',' or ']'; the tasks can still be read | hint: Lagoon refuses the whole file",
		},
		{
			name: "not YAML in the tasks", file: "tasks:\n  post-rollout:\n    - run: {name: a\n",
			says: "error f.yml:3: not YAML: did not find expected ',' or '}'",
		},
		{
			name: "a part for the project", file: `tasks: {post-rollout: [{run: {name: all, service: cli, command: x}}]}
shop:
  tasks:
    pre-rollout:
      - run: {name: own, service: cli, command: 5}
other:
  tasks: {}
`,
			facts: Facts{Release: "shop"}, want: "pre-rollout/own @5: cli [\"sh\" \"-c\" \"5\"]\npost-rollout/all @1: cli [\"sh\" \"-c\" \"x\"]\n",
		},
		{
			name: "a weight with a point, and YAML 1.1's booleans", file: `tasks:
  pre-rollout:
    - run: {name: a, service: cli, command: a, weight: 0.0, scaleWaitTime: 1e1, requiresEnvironment: y}
    - run: {name: b, service: cli, command: a, weight: 1.5}
`,
			says: "error f.yml:4:56: weight must be a whole number, without quotes",
		},
		{
			name: "switched off", file: "tasks: {pre-rollout: [{run: {name: a, service: cli, command: x, when: NX}}], post-rollout: [{run: {name: b, service: cli, command: x}}]}",
			facts: Facts{Variables: map[string]string{"LAGOON_PREROLLOUT_DISABLED": "true", "LAGOON_POSTROLLOUT_DISABLED": "1"}},
			want:  "pre-rollout/a @1: cli [\"sh\" \"-c\" \"x\"] skip: LAGOON_PREROLLOUT_DISABLED is true (--var)\npost-rollout/b @1: cli [\"sh\" \"-c\" \"x\"]\n",
		},
		{name: "not text", file: "tasks:\x00", says: "error f.yml: the file has a NUL character"},
		{name: "not UTF-8", file: "tasks: \xff", says: "error f.yml: the file is not UTF-8 text | hint: save the file as UTF-8"},
		{name: "too large", file: strings.Repeat("#", maxBytes+1), says: "error f.yml: the file is larger than 1048576 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tasks, found := Parse([]byte(tt.file), Options{Source: task.Source{Name: "f.yml"}, Facts: tt.facts})
			if diff := cmp.Diff(tt.want, draw(tasks)); diff != "" {
				t.Errorf("tasks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.says, say(found)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestServiceOfTask(t *testing.T) {
	const file = `tasks:
  pre-rollout:
    - run: {name: a, service: cli, command: x}
    - run: {name: b, service: cli, command: x, scaleWaitTime: 2, scaleMaxIterations: 5, requiresEnvironment: true}
  post-rollout:
    - run: {name: c, service: cli, command: x, requiresEnvironment: true}
`
	tasks, found := Parse([]byte(file), Options{ServiceLabel: "tier"})
	if len(found) > 0 {
		t.Fatal(found)
	}
	want := []task.Service{
		{Optional: true, Unidle: true, Patience: 5 * time.Minute},
		{Optional: true, Unidle: true, UnidleOrFail: true, Patience: 10 * time.Second},
		{Patience: 5 * time.Minute},
	}
	phases := []task.Phase{task.PreDeploy, task.PreDeploy, task.PostDeploy}
	for i, w := range want {
		w.Command, w.Name, w.Label = task.Command{Argv: []string{"sh", "-c", "x"}, Text: "x"}, "cli", "tier"
		if diff := cmp.Diff(w, tasks[i].Executor); diff != "" || tasks[i].Phase != phases[i] {
			t.Errorf("%s in %s (-want +got):\n%s", tasks[i].Name, tasks[i].Phase, diff)
		}
	}
}

func TestOverride(t *testing.T) {
	const file = `tasks:
  pre-rollout:
    - run: {name: one, command: a, service: cli}
    - run: {name: two, command: b, service: cli}
    - run: {command: c, service: cli}
`
	override := func(text string) func(string) ([]byte, error) {
		return func(path string) ([]byte, error) {
			if path != OverrideName || text == "" {
				return nil, fs.ErrNotExist
			}
			return []byte(text), nil
		}
	}
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	tests := []struct {
		name, file, variable string
		want, says           string
	}{
		{
			name: "the same name replaces fields, others come after; then by weight",
			file: `tasks:
  pre-rollout:
    - run: {name: two, command: B, shell: bash, weight: 1}
    - run: {name: three, command: d, service: nginx, weight: -1}
    - run: {command: e, service: cli}
  post-rollout:
    - run: {name: four, command: f, service: cli}
`,
			want: `pre-rollout/three @4: nginx ["sh" "-c" "d"]
pre-rollout/one @3: cli ["sh" "-c" "a"] after pre-rollout/three
pre-rollout/task 3 @5: cli ["sh" "-c" "c"] after pre-rollout/one
pre-rollout/task 4 @5: cli ["sh" "-c" "e"] after pre-rollout/task 3
pre-rollout/two @4: cli ["bash" "-c" "B"] after pre-rollout/task 4
post-rollout/four @7: cli ["sh" "-c" "f"]
`,
		},
		{
			name: "the variable comes last", file: "tasks: {pre-rollout: [{run: {name: one, command: file}}]}", variable: encoded("tasks: {pre-rollout: [{run: {name: one, command: variable}}]}"),
			want: `pre-rollout/one @3: cli ["sh" "-c" "variable"]
pre-rollout/two @4: cli ["sh" "-c" "b"] after pre-rollout/one
pre-rollout/task 3 @5: cli ["sh" "-c" "c"] after pre-rollout/two
`,
		},
		{name: "not base64", variable: "?", says: "error LAGOON_YAML_OVERRIDE: it is not base64: illegal base64 data at input byte 0 | hint: write the YAML through base64 -w0"},
		{name: "wrong in the override", file: "tasks: {pre-rollout: [{run: {name: one, command: [x]}}]}", says: "error .lagoon.override.yml:1:50: command must be a string, not a list | hint: write one line for the shell (command: first && second), or a block with |"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tasks, found := Parse([]byte(file), Options{Source: task.Source{Name: "f.yml"}, ReadFile: override(tt.file), Override: tt.variable})
			if diff := cmp.Diff(tt.want, draw(tasks)); diff != "" {
				t.Errorf("tasks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.says, say(found)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestStableOrder: with 13 and more tasks of one weight, Lagoon's own sorting changes their order.
func TestStableOrder(t *testing.T) {
	var file strings.Builder
	file.WriteString("tasks:\n  pre-rollout:\n")
	for i := range 20 {
		fmt.Fprintf(&file, "    - run: {name: t%d, command: x, service: cli}\n", i)
	}
	tasks, found := Parse([]byte(file.String()), Options{ReadFile: func(string) ([]byte, error) { return []byte("tasks: {}"), nil }})
	if len(found) > 0 {
		t.Fatal(found)
	}
	for i, one := range tasks {
		if want := fmt.Sprintf("pre-rollout/t%d", i); one.Name != want {
			t.Errorf("%d is %s, want %s", i, one.Name, want)
		}
	}
}
