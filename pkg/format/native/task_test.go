package native

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/expression"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

const withAgain = head + `params: [{name: KEY, default: k}]
tasks:
- name: a
  phase: pre-deploy
  once: "${params.KEY}-${release.name}"
  outputs: {o: {json: o}}
  host: {command: [x]}
  undo:
    timeout: 1m
    host: {command: [y, "${tasks.a.outputs.o}", "${params.KEY}"]}
- name: b
  run: onChange
  fingerprint: {images: [deployment/web], files: ["*.sql"], values: [image.tag, none], text: "${operation}"}
  job: {file: job.yaml}
`

var files = map[string]string{
	"a.sql": "1", "b.sql": "2",
	"job.yaml":   "apiVersion: batch/v1\nkind: Job\nmetadata: {labels: {a: b}}\nspec: {backoffLimit: 3, template: {spec: {containers: [{name: c, image: i}]}}}\n",
	"pod.yaml":   "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: c, image: i}]}\n",
	"empty.yaml": "",
	"bad.yaml":   "a: [",
	"script.py":  "print(1)",
}

// againOptions are the options of a document with these files next to it.
func againOptions(values map[string]any) Options {
	return Options{
		Source: source,
		Facts:  expression.Facts{Operation: task.Upgrade, Release: "web", Values: func() (map[string]any, error) { return values, nil }},
		ReadFile: func(name string) ([]byte, error) {
			if text, ok := files[name]; ok {
				return []byte(text), nil
			}
			return nil, errors.New("no file " + name)
		},
		Glob: func(pattern string) ([]string, error) {
			if pattern == "*.sql" {
				return []string{"a.sql", "b.sql"}, nil
			}
			return nil, nil
		},
	}
}

func TestParseAgain(t *testing.T) {
	options := againOptions(map[string]any{"image": map[string]any{"tag": "1"}})
	tasks, found := Parse([]byte(withAgain), options)
	if len(found) > 0 {
		t.Fatal(found)
	}
	a, b := tasks[0], tasks[1]
	if a.Once != "k-web" || a.Deferred != nil || a.Undo.Deferred == nil || a.Undo.Name != "a" || a.Undo.Timeout.String() != "1m0s" {
		t.Errorf("%+v", a)
	}
	if diff := cmp.Diff([]task.Read{{Task: "a", Output: "o"}}, a.Undo.Reads); diff != "" {
		t.Error(diff)
	}
	executor, _, err := a.Undo.Deferred.Resolve(task.Values{Tasks: map[string]task.Outcome{"a": {State: task.Succeeded, Outputs: map[string]task.Value{"o": {Value: "7"}}}}})
	if err != nil || executor.Text() != "y 7 k" {
		t.Errorf("%v, error %v", executor, err)
	}
	want := task.Job{Labels: map[string]string{"a": "b"}, Spec: batchv1.JobSpec{BackoffLimit: new(int32(3))}}
	want.Spec.Template.Spec.Containers = []corev1.Container{{Name: "c", Image: "i"}}
	if diff := cmp.Diff(task.Executor(want), b.Executor); diff != "" {
		t.Error(diff)
	}

	digest := func(o Options) string {
		t.Helper()
		tasks, found := Parse([]byte(withAgain), o)
		if len(found) > 0 {
			t.Fatal(found)
		}
		return tasks[1].Changed.Digest
	}
	same := digest(options)
	if same != b.Changed.Digest || b.Changed.Images[0] != "deployment/web" {
		t.Error("the same is not the same")
	}
	files["b.sql"] = "3"
	if digest(options) == same {
		t.Error("a changed file does not change the digest")
	}
	files["b.sql"] = "2"
	if digest(againOptions(map[string]any{"image": map[string]any{"tag": "2"}})) == same {
		t.Error("a changed value does not change the digest")
	}
	options.Facts.Operation = task.Install
	if digest(options) == same {
		t.Error("a changed text does not change the digest")
	}
}

func TestParseAgainErrors(t *testing.T) {
	for text, want := range map[string]string{
		"once: \"${run.status}\", host: {command: [x]}":                           `once: it must be known before the run starts, and cannot refer to tasks or run`,
		"once: k, run: onChange, fingerprint: {text: t}, host: {command: [x]}":    `task "a" has once and run: onChange; set only one of them`,
		"run: sometimes, host: {command: [x]}":                                    `run is "sometimes"; it must be always or onChange`,
		"run: onChange, host: {command: [x]}":                                     "run: onChange needs a fingerprint",
		"fingerprint: {text: t}, host: {command: [x]}":                            "fingerprint needs run: onChange",
		"run: onChange, fingerprint: {images: [web]}, host: {command: [x]}":       `task "a": one of the images is "web"; write KIND/NAME, such as deployment/web`,
		"run: onChange, fingerprint: {files: [none]}, host: {command: [x]}":       "no file matches none",
		"run: onChange, fingerprint: {text: \"${x}\"}, host: {command: [x]}":      "undeclared reference to 'x'",
		"host: {command: [x]}, undo: {}":                                          `task "a" has no executor: it needs one of`,
		"host: {command: [x]}, undo: {retries: 1001, host: {command: [x]}}":       "retries is 1001",
		"host: {command: [x]}, undo: {wait: {object: a/b}}":                       `unknown field "wait"`,
		"job: {file: none.yaml}":                                                  "file: no file none.yaml",
		"job: {file: pod.yaml}":                                                   "pod.yaml holds \"v1 Pod\"; it must be batch/v1 Job",
		"pod: {file: empty.yaml}":                                                 "file: empty.yaml is empty",
		"pod: {file: bad.yaml}":                                                   "file: bad.yaml: yaml: ",
		"pod: {file: pod.yaml, image: i}":                                         "has file and fields of the short form; set only one of them",
		"pod: {file: pod.yaml, spec: {containers: []}}":                           "has file and spec; set only one of them",
		"job: {spec: {template: {spec: {}}}}":                                     "the spec has no containers",
		"job: {completions: 2}":                                                   "a pod needs an image, a spec or a file",
		"retries: 1, job: {file: job.yaml}":                                       `task "a" has retries and the Job a backoffLimit; set only one of them`,
		"job: {file: job.yaml, container: x}":                                     `the spec has no container "x"`,
		"function: {runtime: deno}":                                               "a function needs exactly one of code, file, configMap, url and from",
		"function: {runtime: ruby, code: x}":                                      `the runtime is "ruby"; it must be deno or python`,
		"function: {from: a}":                                                     `from is "a", but this document has no task of that name with its own function`,
		"function: {runtime: python, file: none.py}":                              "no file none.py",
		"function: {runtime: python, code: x, key: k}":                            "key needs a configMap",
		"function: {runtime: python, code: " + strings.Repeat("x", 201<<10) + "}": "the script has 201 KiB; the limit is 200 KiB: use a ConfigMap",
		"clone: {from: deployment/web, version: newest, command: [x]}":            `the version is "newest"; it must be current or next`,
		"exec: {scale: true, command: [x]}":                                       "scale needs a target, the workload to scale up",
	} {
		_, found := Parse([]byte(head+"tasks:\n- {name: a, "+text+"}\n"), againOptions(nil))
		if got := found.Error(); !strings.Contains(got, want) || !strings.HasPrefix(got, "f:4:") {
			t.Errorf("%.80s:\n got %s\nwant %s", text, got, want)
		}
	}
	_, found := Parse([]byte(head+"tasks: [{name: a, pod: {file: x}}, {name: b, function: {runtime: deno, file: x}}, {name: c, run: onChange, fingerprint: {files: [x]}, host: {command: [x]}}]\n"), Options{Source: source})
	if got := strings.Count(found.Error(), "the document has no directory"); got != 3 {
		t.Errorf("%v", found)
	}
}

func TestParseFunction(t *testing.T) {
	tasks, found := Parse([]byte(head+`tasks:
- {name: a, function: {runtime: python, file: script.py, parameters: {x: "1", y: "2"}, secret: s, args: -v}}
- {name: b, function: {from: a, parameters: {x: "", y: "3", z: "4"}}}
`), againOptions(nil))
	if len(found) > 0 {
		t.Fatal(found)
	}
	want := task.Function{Runtime: task.Python, Code: "print(1)", Parameters: map[string]string{"x": "1", "y": "3", "z": "4"}, Secret: "s", Arguments: "-v"}
	if diff := cmp.Diff(task.Executor(want), tasks[1].Executor); diff != "" {
		t.Error(diff)
	}
}

// TestWrite: a written document has the tasks that it was written from.
func TestWrite(t *testing.T) {
	tasks, found := Parse([]byte(everything), Options{Source: source})
	if found.Err() != nil {
		t.Fatal(found)
	}
	text, err := Write(Content{Name: "all", Head: []string{"A head."}, Tasks: tasks, Notes: map[string][]string{tasks[0].Name: {"A note.", "Another."}}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "# A head.\n") || !strings.Contains(string(text), "  # A note.\n  # Another.\n  - name: "+tasks[0].Name) {
		t.Errorf("%s", text)
	}
	again, found := Parse(text, Options{Source: source})
	if found.Err() != nil {
		t.Fatalf("%v\n%s", found, text)
	}
	for i := range again {
		again[i].Position, tasks[i].Position = task.Position{}, task.Position{}
		if p, ok := tasks[i].Executor.(task.Pod); ok { // the short form is written as a spec
			p.Adapt, p.Labels, p.Annotations = false, nil, nil
			tasks[i].Executor = p
		}
	}
	if diff := cmp.Diff(tasks, again); diff != "" {
		t.Errorf("(-read +written):\n%s\n%s", diff, text)
	}
}
