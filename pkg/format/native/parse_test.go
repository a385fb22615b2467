package native

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

const head = "apiVersion: kubectl-tasks.io/v1alpha1\nkind: Tasks\n"

var source = task.Source{Name: "f", Format: "native", Trusted: true}

// everything uses every field.
const everything = head + `metadata: {name: shop}
tasks:
- name: backup
  phase: pre-upgrade
  exec: {target: statefulset/db, container: postgres, pods: 50%, parallel: 2, allowEmpty: true, ready: false, command: [pg_dump, -f, "/backup/a b"]}
  timeout: 10m
  totalTimeout: 1h
  idleTimeout: 30s
- name: announce
  phase: cleanup
  needs: [backup, pre-deploy, deployment/web]
  retries: 2
  backoff: 500ms
  idempotent: true
  onFailure: warn
  host: {shell: "echo $A | wc", dir: sub, env: [{name: A, value: "1"}, {name: B}]}
- name: by-name
  exec: {selector: app=web, pods: 3, shell: date}
- name: short
  pod: {image: "busybox:test", shell: "echo $A", env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}], resources: {limits: {memory: 64Mi}}, serviceAccountName: sa}
- name: long
  pod: {container: b, spec: {containers: [{name: a, image: x}, {name: b, image: y, command: [z]}]}}
- name: copied
  clone: {from: deploy/web, container: c, sidecars: [d], env: [{name: A, value: b}], command: [migrate]}
- name: waits
  wait: {object: job/x, for: condition=Complete}
- name: asks
  approve: {message: "go on?"}
- name: sleeps
  sleep: {for: 1m30s}
`

func TestParse(t *testing.T) {
	want := []task.Task{
		{
			Name: "backup", Phase: task.PreUpgrade,
			Executor: task.Exec{
				Command: task.Command{Argv: []string{"pg_dump", "-f", "/backup/a b"}, Text: `pg_dump -f "/backup/a b"`},
				Target:  "statefulset/db", Container: "postgres", Pods: "50%", Parallel: 2, AllowEmpty: true, Unready: true,
			},
			Policy:   task.Policy{Timeout: 10 * time.Minute, TotalTimeout: time.Hour, IdleTimeout: 30 * time.Second},
			Position: task.Position{File: "f", Line: 5, Column: 3}, Source: source,
		},
		{
			Name: "announce", Phase: task.PostUninstall, Needs: []string{"backup", "pre-deploy", "deployment/web"},
			Executor: task.Host{Command: task.Command{Argv: []string{"sh", "-c", "echo $A | wc"}, Text: "echo $A | wc"}, Env: []string{"A=1", "B="}, Dir: "sub"},
			Policy:   task.Policy{Retries: 2, Backoff: 500 * time.Millisecond, Idempotent: true, OnFailure: task.Warn},
			Position: task.Position{File: "f", Line: 11, Column: 3}, Source: source,
		},
		{
			Name:     "by-name",
			Executor: task.Exec{Command: task.Command{Argv: []string{"sh", "-c", "date"}, Text: "date"}, Selector: "app=web", Pods: "3"},
			Position: task.Position{File: "f", Line: 19, Column: 3}, Source: source,
		},
		{
			Name: "short",
			Executor: task.Pod{
				Spec: corev1.PodSpec{ServiceAccountName: "sa", Containers: []corev1.Container{{
					Name: "task", Image: "busybox:test", Command: []string{"sh", "-c", "echo $A"},
					Env:       []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}}},
					Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"memory": resource.MustParse("64Mi")}},
				}}},
				Main: "task", Adapt: true,
			},
			Position: task.Position{File: "f", Line: 21, Column: 3}, Source: source,
		},
		{
			Name: "long",
			Executor: task.Pod{
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "x"}, {Name: "b", Image: "y", Command: []string{"z"}}}},
				Main: "b",
			},
			Position: task.Position{File: "f", Line: 23, Column: 3}, Source: source,
		},
		{
			Name: "copied",
			Executor: task.Clone{
				Command: task.Command{Argv: []string{"migrate"}, Text: "migrate"}, From: "deploy/web", Container: "c",
				Sidecars: []string{"d"}, Env: []corev1.EnvVar{{Name: "A", Value: "b"}},
			},
			Position: task.Position{File: "f", Line: 25, Column: 3}, Source: source,
		},
		{
			Name: "waits", Executor: task.Wait{Object: "job/x", For: "condition=Complete"},
			Position: task.Position{File: "f", Line: 27, Column: 3}, Source: source,
		},
		{
			Name: "asks", Executor: task.Approve{Message: "go on?"},
			Position: task.Position{File: "f", Line: 29, Column: 3}, Source: source,
		},
		{
			Name: "sleeps", Executor: task.Sleep{For: 90 * time.Second, Written: "1m30s"},
			Position: task.Position{File: "f", Line: 31, Column: 3}, Source: source,
		},
	}
	got, found := Parse([]byte(everything), Options{Source: source})
	if len(found) > 0 {
		t.Fatal(found)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestParseForms: JSON, several documents, anchors, merges, and an empty file.
func TestParseForms(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"a comment", "# tasks\n", ""},
		{"no tasks", head, ""},
		{"JSON", `{"apiVersion": "kubectl-tasks.io/v1alpha1", "kind": "Tasks", "tasks": [{"name": "a", "host": {"command": ["x"]}}]}`, "a"},
		{"two documents", head + "tasks: [{name: a, host: {command: [x]}}]\n---\n" + head + "tasks: [{name: b, host: {command: [x]}}]\n", "a b"},
		{"anchors", head + "tasks:\n- name: a\n  host: &h {command: [x]}\n- name: b\n  host: *h\n", "a b"},
		{"merge", head + "tasks:\n- &a {name: a, retries: 1, host: {command: [x]}}\n- {<<: *a, name: b}\n", "a b"},
		{"Windows", strings.ReplaceAll(head+"tasks: [{name: a, host: {command: [x]}}]\n", "\n", "\r\n"), "a"},
		{"byte order mark", "\ufeff" + head + "tasks: [{name: a, host: {command: [x]}}]\n", "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tasks, found := Parse([]byte(tt.text), Options{Source: source})
			if len(found) > 0 {
				t.Fatal(found)
			}
			var names []string
			for _, x := range tasks {
				names = append(names, x.Name)
			}
			if got := strings.Join(names, " "); got != tt.want {
				t.Errorf("tasks %q, want %q", got, tt.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	one := func(text string) string { return head + "tasks:\n- " + text + "\n" }
	tests := []struct{ name, text, want string }{
		{"unknown field", one("name: a\n  comand: x"), `f:5:3: unknown field "comand"; there are name, phase, needs, when, timeout, totalTimeout, idleTimeout, retries, backoff, idempotent, onFailure, once, run, fingerprint, outputs, host, exec, pod, job, function, clone, wait, sleep, approve, undo`},
		{"unknown field in an executor", one("{name: a, host: {comand: [x]}}"), `f:4:20: unknown field "comand"; did you mean "command"?`},
		{"key twice", one("{name: a, name: b}"), `f:4:13: the key "name" is used twice, first at line 4`},
		{"not a string", one("{name: a, host: {command: [echo, 1]}}"), `f:4:36: this must be a string: write "1", in quotes`},
		{"not a list", one("{name: a, host: {command: echo}}"), `f:4:29: this must be a list`},
		{"not a mapping", one("{name: a, host: echo}"), `f:4:19: this must be a mapping of command, shell, env, dir`},
		{"not a number", one("{name: a, retries: many, host: {command: [x]}}"), `f:4:22: "many" is not a whole number`},
		{"duration without unit", one("{name: a, timeout: 5, host: {command: [x]}}"), `f:4:22: invalid duration 5; write a unit, such as 5s or 5m`},
		{"no duration", one("{name: a, timeout: 5 min, host: {command: [x]}}"), `f:4:22: invalid duration "5 min"; write it as 90s, 5m or 1h30m`},
		{"no name", one("host: {command: [x]}"), `f:4:3: a task needs a name`},
		{"bad name", one("{name: A b, host: {command: [x]}}"), `f:4:10: task "A b": a name has lower-case letters, digits and hyphens, 63 at most`},
		{"unknown phase", one("{name: a, phase: post-deply, host: {command: [x]}}"), `f:4:20: task "a": unknown phase "post-deply"; did you mean "post-deploy"?`},
		{"no executor", one("{name: a}"), `f:4:3: task "a" has no executor: it needs one of host, exec, pod, job, function, clone, wait, sleep, approve`},
		{"two executors", one("{name: a, host: {command: [x]}, exec: {command: [x]}}"), `f:4:41: task "a" has host and exec; set only one of them`},
		{"command and shell", one("{name: a, host: {command: [x], shell: x}}"), `f:4:41: task "a" has command and shell; set only one of them`},
		{"no command", one("{name: a, host: {}}"), `f:4:19: task "a" has nothing to run: write command or shell`},
		{"target and selector", one("{name: a, exec: {command: [x], target: deploy/x, selector: a=b}}"), `f:4:62: task "a" has a target and a selector; set only one of them`},
		{"bad target", one("{name: a, exec: {command: [x], target: web}}"), `f:4:42: task "a": the target is "web"; write KIND/NAME, such as deployment/web`},
		{"bad count", one("{name: a, exec: {command: [x], pods: 0}}"), `f:4:40: task "a": pods is "0"; it must be one, all, a number from 1, or a percentage such as 30%`},
		{"bad policy", one("{name: a, onFailure: ignore, host: {command: [x]}}"), `f:4:24: task "a": onFailure is "ignore"; it must be fail, warn, continue or rollback`},
		{"retries", one("{name: a, retries: -1, host: {command: [x]}}"), `f:4:22: task "a": retries is -1; it must be from 0 to 1000`},
		{"NUL", one(`{name: a, host: {command: [x, "\0"]}}`), `f:4:33: task "a": an argument has a NUL character, which arguments cannot contain`},
		{"no image", one("{name: a, pod: {command: [x]}}"), `f:4:18: task "a": a pod needs an image, a spec or a file`},
		{"short and long", one("{name: a, pod: {image: x, spec: {containers: [{name: c, image: x}]}}}"), `f:4:35: task "a" has spec and fields of the short form; set only one of them`},
		{"no containers", one("{name: a, pod: {spec: {}}}"), `f:4:25: task "a": the spec has no containers`},
		{"no such container", one("{name: a, pod: {container: b, spec: {containers: [{name: c, image: x}]}}}"), `f:4:30: task "a": the spec has no container "b"`},
		{"unknown field of Kubernetes", one("{name: a, pod: {spec: {container: []}}}"), `f:4:26: unknown field "container"; did you mean "containers"?`},
		{"a value of Kubernetes", one("{name: a, pod: {image: x, resources: {limits: {memory: lots}}}}"), "f:4:58: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
		{"wait for nothing", one("{name: a, wait: {object: web, for: gone}}"), "f:4:28: task \"a\": the object is \"web\"; write KIND/NAME, such as deployment/web\nf:4:38: task \"a\": \"gone\" cannot be waited for; write ready, deleted, condition=NAME, or jsonpath={.path}=VALUE"},
		{"no question", one("{name: a, approve: {}}"), `f:4:22: task "a": approve needs a message: the question`},
		{"clone of nothing", one("{name: a, clone: {command: [x]}}"), `f:4:20: task "a": from is ""; write KIND/NAME, such as deployment/web`},
		{"variable", one("{name: a, host: {command: [x], env: [{name: A=B}]}}"), `f:4:40: task "a": "A=B" is not the name of a variable`},
		{"other kind", "apiVersion: v1\nkind: ConfigMap\n", "f:1:13: apiVersion is \"v1\"; write kubectl-tasks.io/v1alpha1\nf:2:7: kind is \"ConfigMap\"; write Tasks"},
		{"a list", "- a\n", "f:1:1: this must be a mapping of apiVersion, kind, metadata, params, env, tasks"},
		{"not YAML", "a: b: c\n", "f:1: not YAML: mapping values are not allowed in this context"},
		{"a key that is a list", "[a]: b\n", "f:1:1: a key must be a string"},
		{"an alias of itself", "a: &a [*a]\n", "f:1:8: nested more than 100 deep"},
		{
			"all at once", one("{name: a, host: {command: x, dri: x}, phas: x}"),
			"f:4:29: this must be a list\nf:4:32: unknown field \"dri\"; did you mean \"dir\"?\nf:4:41: unknown field \"phas\"; did you mean \"phase\"?",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tasks, found := Parse([]byte(tt.text), Options{Source: source})
			if diff := cmp.Diff(tt.want, found.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(tasks) > 0 {
				t.Errorf("%d tasks beside errors", len(tasks))
			}
		})
	}
}

const withParams = head + `params:
- {name: SIZE, default: small, enum: [small, large]}
- {name: KEY, required: true}
- {name: FREE}
tasks:
- name: a
  phase: pre-deploy
  when: operation == "upgrade" && params.SIZE == "large"
  host: {command: ["${release.name}", "$${HOME}", "${params.KEY}-${phase}"], env: [{name: A, value: "${params.FREE}"}], dir: "${params.SIZE}"}
- name: b
  host: {shell: "echo ${HOME}"}
`

func TestParseValues(t *testing.T) {
	facts := expression.Facts{Operation: task.Upgrade, Release: "web", Namespace: "shop", Params: map[string]string{"SIZE": "large", "KEY": "k"}}
	tasks, found := Parse([]byte(withParams), Options{Source: source, Facts: facts})
	if len(found) > 0 {
		t.Fatal(found)
	}
	want := task.Host{Command: task.Command{Argv: []string{"web", "${HOME}", "k-pre-deploy"}, Text: "web ${HOME} k-pre-deploy"}, Env: []string{"A="}, Dir: "large"}
	if diff := cmp.Diff(task.Executor(want), tasks[0].Executor); diff != "" || tasks[0].Skip != "" {
		t.Errorf("skip %q, (-want +got):\n%s", tasks[0].Skip, diff)
	}
	if got := tasks[1].Executor.Text(); got != "echo ${HOME}" {
		t.Errorf("a shell's own variable became %q", got)
	}

	facts.Operation = task.Install
	if tasks, found = Parse([]byte(withParams), Options{Source: source, Facts: facts}); len(found) > 0 {
		t.Fatal(found)
	}
	if want := `operation == "upgrade" && params.SIZE == "large" is false`; tasks[0].Skip != want {
		t.Errorf("skip %q, want %q", tasks[0].Skip, want)
	}
	if len(facts.Params) != 2 {
		t.Error("the caller's parameters were changed")
	}
}

func TestParseExecEnv(t *testing.T) {
	const text = head + `tasks:
- {name: a, exec: {shell: 'echo "$R"', env: [{name: R, value: "${release.name}"}, {name: "B", value: "x y"}]}}
`
	tasks, found := Parse([]byte(text), Options{Source: source, Facts: expression.Facts{Release: "web"}})
	if len(found) > 0 {
		t.Fatal(found)
	}
	want := task.Exec{Command: task.Command{Argv: []string{"sh", "-c", `echo "$R"`}, Text: `echo "$R"`}, Env: []string{"R=web", "B=x y"}, Pods: tasks[0].Executor.(task.Exec).Pods}
	if diff := cmp.Diff(task.Executor(want), tasks[0].Executor); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, found = Parse([]byte(head+"tasks:\n- {name: a, exec: {command: [x], env: [{name: A=B, value: x}]}}\n"), Options{Source: source})
	if want := `f:4:40: task "a": "A=B" is not the name of a variable`; found.Error() != want {
		t.Errorf("%s, want %s", found.Error(), want)
	}
}

func TestParseKinds(t *testing.T) {
	for text, want := range map[string]string{
		"exec: {target: deployement/web, command: [x]}":                             `f:4:28: task "a": the target is "deployement/web": there is no kind "deployement"; did you mean "deployment"? A kind of another group is written KIND.GROUP/NAME`,
		"clone: {from: Statfulset/web, command: [x]}":                               `f:4:27: task "a": from is "Statfulset/web": there is no kind "Statfulset"; did you mean "statefulset"? A kind of another group is written KIND.GROUP/NAME`,
		"wait: {object: configmpa/x}":                                               `f:4:28: task "a": the object is "configmpa/x": there is no kind "configmpa"; did you mean "configmap"? A kind of another group is written KIND.GROUP/NAME`,
		"needs: [deamonset/x], host: {command: [x]}":                                `f:4:21: task "a": one of the needs is "deamonset/x": there is no kind "deamonset"; did you mean "daemonset"? A kind of another group is written KIND.GROUP/NAME`,
		"needs: ['service/${release.name}'], host: {command: [x]}":                  `f:4:21: task "a" needs "service/${release.name}": expressions are not replaced in needs, which must be known before the run`,
		"exec: {target: '${release.name}', command: [x]}":                           "",
		"exec: {target: 'deployement/${release.name}', command: [x]}":               `f:4:28: task "a": the target is "deployement/${release.name}": there is no kind "deployement"; did you mean "deployment"? A kind of another group is written KIND.GROUP/NAME`,
		"needs: [pre-up/a/b, certificate/x], host: {command: [x]}":                  "",
		"exec: {target: deployement.example.com/web, command: [x]}":                 "",
		"undo: {exec: {target: deployement/x, command: [x]}}, host: {command: [x]}": `f:4:35: task "a": the target is "deployement/x": there is no kind "deployement"; did you mean "deployment"? A kind of another group is written KIND.GROUP/NAME`,
	} {
		_, found := Parse([]byte(head+"tasks:\n- {name: a, "+text+"}\n"), Options{Source: source, Lenient: true})
		if diff := cmp.Diff(want, found.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestParseValueErrors(t *testing.T) {
	one := func(text string) string {
		return head + "params: [{name: P, default: p}]\ntasks:\n- {name: a, " + text + "}\n"
	}
	tests := []struct {
		name, text string
		params     map[string]string
		lenient    bool
		want       string
	}{
		{"required", withParams, nil, false, `f:5:10: parameter "KEY" has no value; give it with --param KEY=VALUE`},
		{"required, but only looked at", withParams, nil, true, ""},
		{"enum", withParams, map[string]string{"KEY": "k", "SIZE": "huge"}, false, `f:4:38: parameter "SIZE" is "huge"; it must be one of small, large`},
		{"declared twice", head + "params: [{name: P}, {name: P}]\n", nil, false, `f:3:28: parameter "P" is declared twice`},
		{"bad name", head + "params: [{name: a-b}]\n", nil, false, `f:3:17: parameter "a-b": a name has letters, digits and underscores, and does not start with a digit`},
		{"no condition", one("when: params.P, host: {command: [x]}"), nil, false, `f:5:19: task "a": when: "params.P" is not a condition: its type is string, not bool`},
		{"unknown name", one(`host: {command: [x, "${HOME}"]}`), nil, false, `f:5:33: task "a": "HOME": undeclared reference to 'HOME'; for the literal text write $${HOME}`},
		{"unknown parameter", one(`when: params.Q == "", host: {command: [x]}`), nil, false, `f:5:19: task "a": when: params.Q is not declared; there are P`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, found := Parse([]byte(tt.text), Options{Source: source, Facts: expression.Facts{Params: tt.params}, Lenient: tt.lenient})
			if diff := cmp.Diff(tt.want, found.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

const withOutputs = head + `env: [CI]
tasks:
- name: a
  outputs:
    version: {file: /tmp/v, type: number}
    token: {json: auth.token, secret: true}
    size: {regex: "size=(.*)"}
  exec: {target: deployment/web, command: [x, "${env.CI}"]}
- name: b
  when: tasks.a.status == "Succeeded"
  pod: {image: i, env: [{name: V, value: "${tasks.a.outputs.version} ${release.name}"}]}
- name: c
  phase: finally
  host: {command: [echo, "${run.status}"]}
`

func TestParseOutputs(t *testing.T) {
	facts := expression.Facts{Release: "web", Getenv: func(string) (string, bool) { return "true", true }}
	tasks, found := Parse([]byte(withOutputs), Options{Source: source, Facts: facts})
	if len(found) > 0 {
		t.Fatal(found)
	}
	want := []task.OutputDefinition{
		{Name: "size", Pattern: "size=(.*)"}, {Name: "token", JSON: "auth.token", Secret: true}, {Name: "version", File: "/tmp/v", Type: task.Number},
	}
	if diff := cmp.Diff(want, tasks[0].Outputs); diff != "" {
		t.Error(diff)
	}
	if got := tasks[0].Executor.Text(); got != "x true" || len(tasks[0].Local) != 1 || tasks[0].Deferred != nil {
		t.Errorf("%q, local %v, late %v", got, tasks[0].Local, tasks[0].Deferred)
	}
	if diff := cmp.Diff([]task.Read{{Task: "a"}, {Task: "a", Output: "version"}}, tasks[1].Reads); diff != "" {
		t.Error(diff)
	}
	env := func(e task.Executor) string { return e.(task.Pod).Spec.Containers[0].Env[0].Value }
	if got := env(tasks[1].Executor); got != "${tasks.a.outputs.version} ${release.name}" {
		t.Errorf("before its turn the value is %q", got)
	}

	for state, wanted := range map[task.State]string{task.Succeeded: "7 web", task.Failed: `tasks.a.status == "Succeeded" is false`} {
		values := task.Values{Tasks: map[string]task.Outcome{"a": {State: state, Outputs: map[string]task.Value{"version": {Value: 7.0}}}}}
		executor, skip, err := tasks[1].Deferred.Resolve(values)
		if err != nil {
			t.Fatal(err)
		}
		got := skip
		if skip == "" {
			got = env(executor)
		}
		if got != wanted {
			t.Errorf("%s: %q, want %q", state, got, wanted)
		}
	}
	_, _, err := tasks[1].Deferred.Resolve(task.Values{Tasks: map[string]task.Outcome{"a": {State: task.Succeeded}}})
	if wanted := `f:13:42: task "b": "tasks.a.outputs.version": no such key: version`; err == nil || !strings.HasPrefix(err.Error(), wanted) {
		t.Errorf("error %v, want %s", err, wanted)
	}
	if executor, _, err := tasks[2].Deferred.Resolve(task.Values{Run: task.Failed}); err != nil || executor.Text() != "echo Failed" {
		t.Errorf("%v, error %v", executor, err)
	}
}

func TestParseOutputErrors(t *testing.T) {
	for text, want := range map[string]string{
		"outputs: {x: {file: a, json: b}}, host: {command: [x]}":   `f:4:26: task "a": output "x": write exactly one of file, json and regex`,
		"outputs: {x: {json: .v}}, host: {command: [x]}":           `f:4:33: task "a": output "x": json is ".v"; write the keys with dots between, such as v`,
		"outputs: {x: {json: $.a..b}}, host: {command: [x]}":       `f:4:33: task "a": output "x": json is "$.a..b"; write the keys with dots between, such as a.b`,
		"outputs: {x: {json: .}}, host: {command: [x]}":            `f:4:33: task "a": output "x": json is "."; write the keys with dots between`,
		"when: !T , host: {command: [x]}":                          `f:4:19: !T is a YAML tag and not part of the value; write "!T", in quotes`,
		"when: !T == x, host: {command: [x]}":                      `f:4:19: !T is a YAML tag and not part of the value; write "!T == x", in quotes`,
		"outputs: {x-y: {file: a}}, host: {command: [x]}":          `f:4:28: task "a": output "x-y": a name has letters, digits and underscores, and does not start with a digit`,
		"outputs: {x: {regex: '('}}, host: {command: [x]}":         "f:4:34: task \"a\": output \"x\": error parsing regexp: missing closing ): `(`",
		"outputs: {x: {file: a, type: int}}, host: {command: [x]}": `f:4:42: task "a": output "x": the type is "int"; it must be string, number, boolean or json`,
		"outputs: {x: {file: a}}, exec: {pods: all, command: [x]}": `f:4:22: task "a" runs in all pods; only a task in one pod has outputs`,
		"outputs: {x: {file: a}}, approve: {message: x}":           `f:4:22: task "a": approve has no outputs`,
		"outputs: {x: {file: a}, y: {file: b}}, pod: {image: i}":   `f:4:22: task "a": a task in its own pod can have only one file as an output; print the others`,
		`host: {command: ["${env.CI}"]}`:                           `f:4:30: task "a": env.CI: add CI to the document's env, which declares the variables it reads`,
		`host: {command: ["${tasks.size()}"]}`:                     `f:4:30: task "a": "tasks.size()": write tasks.NAME or tasks["NAME"]: the names of tasks must be known before the run; for the literal text write $${tasks.size()}`,
	} {
		_, found := Parse([]byte(head+"tasks:\n- {name: a, "+text+"}\n"), Options{Source: source})
		if got := found.Error(); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

// TestParseFindsAll: a finding about the form of a task hides no finding about other tasks or about its common fields.
func TestParseFindsAll(t *testing.T) {
	_, found := Parse([]byte(head+`tasks:
- name: a
  phase: pre-deplyo
  clone: {form: deployment/web}
- name: b
  exec: {pods: 130%, command: [x]}
- {name: c, retries: -1, host: {comand: [x]}}
- {name: D, host: {command: [x]}}
`), Options{Source: source})
	var got []string
	for _, d := range found {
		got = append(got, d.Position.String())
	}
	if diff := cmp.Diff([]string{"f:5:10", "f:6:11", "f:8:16", "f:9:22", "f:9:33", "f:10:10"}, got); diff != "" {
		t.Errorf("%v\n%s", found, diff)
	}
}

// TestParseRuns: an expression of a task that does not run is compiled and not evaluated.
func TestParseRuns(t *testing.T) {
	text := []byte(head + `tasks:
- {name: a, phase: pre-install, host: {command: ["${values.none}"]}}
- {name: b, phase: pre-upgrade, once: "${values.none}", host: {command: ["${values.none}"]}, undo: {host: {command: ["${values.none}"]}}}
`)
	runs := func(phase task.Phase) Options {
		return Options{Source: source, Runs: func(_ string, p task.Phase) bool { return p == phase }}
	}
	if _, found := Parse(text, runs(task.PostInstall)); len(found) > 0 {
		t.Error(found)
	}
	for phase, want := range map[task.Phase]int{task.PreInstall: 1, task.PreUpgrade: 3} {
		if _, found := Parse(text, runs(phase)); strings.Count(found.Error(), "there is no release to read values from") != want {
			t.Errorf("%s: %v", phase, found)
		}
	}
}

func TestParameters(t *testing.T) {
	for text, want := range map[string][]string{withParams: {"FREE", "KEY", "SIZE"}, "broken: [": nil} {
		if diff := cmp.Diff(want, Parameters([]byte(text))); diff != "" {
			t.Error(diff)
		}
	}
}

// TestParseBomb: a few lines that expand to a large document are rejected quickly.
func TestParseBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 12 {
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll("aN: &aN [*aM, *aM, *aM, *aM, *aM, *aM, *aM, *aM, *aM, *aM]\n", "N", string(rune('b'+i))), "M", before(i)))
	}
	_, found := Parse([]byte(b.String()), Options{Source: source})
	if len(found) != 1 || !strings.Contains(found.Error(), "grows too large") {
		t.Errorf("%v", found)
	}
}

func before(i int) string {
	if i == 0 {
		return "0"
	}
	return string(rune('a' + i))
}

func FuzzParse(f *testing.F) {
	f.Add(everything)
	f.Add(head + "tasks:\n- &a {name: a, host: {command: [x]}}\n- {<<: *a, name: b}\n")
	f.Add(withParams)
	f.Add(withOutputs)
	f.Add("a: &a [*a]\n---\n[x]: y\n")
	f.Add(`{"apiVersion": "kubectl-tasks.io/v1alpha1", "kind": "Tasks", "tasks": [{"name": 1, "retries": 1e400}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		tasks, found := Parse([]byte(text), Options{Source: source})
		for _, d := range found {
			if d.Message == "" || d.Position.File != "f" {
				t.Errorf("finding %+v", d)
			}
		}
		for _, x := range tasks {
			if err := x.Validate(); err != nil {
				t.Errorf("%v", err)
			}
		}
	})
}

func TestRecognises(t *testing.T) {
	for text, want := range map[string]bool{
		everything: true, `{"apiVersion":"kubectl-tasks.io/v1alpha1"}`: true,
		"": false, "apiVersion: v1\nkind: ConfigMap\n": false, "[pre-up]\na = \"apiVersion\"": false,
	} {
		if got := Recognises([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
