package keptn

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

const head = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: d}\n"

const evaluationHead = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnEvaluationDefinition\nmetadata: {name: e}\n"

func say(found task.Diagnostics) string {
	lines := make([]string, len(found))
	for i, d := range found {
		lines[i] = string(d.Severity) + " " + strings.ReplaceAll(d.Error(), "\n", " | ")
	}
	return strings.Join(lines, "\n")
}

func TestFindings(t *testing.T) {
	tests := []struct {
		name, file, want string
		looking          bool
	}{
		{name: "nothing to run", file: head + "spec:\n", want: "error f:4:6: Either Container, Python, or Deno field must be defined"},
		{name: "two things to run", file: head + "spec: {python: {inline: {code: x}}, deno: {inline: {code: y}}}\n", want: "error f:4:7: Only one of Container, Python, or Deno field can be defined"},
		{
			name: "function", file: head + "spec:\n  function: {inline: {code: x}}\n",
			want: "warning f:5:13: function is the name of deno before v1; a current Keptn drops it | hint: write deno: instead",
		},
		{name: "a misspelling", file: head + "spec:\n  deno: {inlineRef: {code: x}}\n", want: `error f:5:10: unknown field "inlineRef"; did you mean "inline"?`},
		{name: "no code", file: head + "spec:\n  python: {cmdParameters: -u}\n", want: "error f:5:11: no ConfigMap specified or HTTP source specified in TaskDefinition / Namespace: ns, Name: d | hint: give it inline, configMapRef, httpRef or functionRef"},
		{name: "no such definition", file: head + "spec:\n  deno: {functionRef: {name: none}}\n", want: `error f:5:23: task definition "none" not found in the documents, nor in namespace ns or keptn-system (Keptn would wait forever)`},
		{name: "which may be in the cluster", file: head + "spec:\n  deno: {functionRef: {name: none}}\n", looking: true, want: `warning f:5:23: task definition "none" is not in the documents; it must be in the cluster`},
		{
			name: "a chain", file: head + "spec: {deno: {functionRef: {name: e}}}\n---\n" + strings.Replace(head, "name: d", "name: e", 1) + "spec: {deno: {functionRef: {name: f}}}\n---\n" + strings.Replace(head, "name: d", "name: f", 1) + "spec: {deno: {inline: {code: x}}}\n",
			want: `error f:4:28: definition "d" refers to "e", which refers to another definition; Keptn does not follow that`,
		},
		{
			name: "a container as a parent", file: head + "spec: {deno: {functionRef: {name: e}}}\n---\n" + strings.Replace(head, "name: d", "name: e", 1) + "spec: {container: {name: c, image: i}}\n",
			want: `error f:4:28: definition "d" refers to "e", which is a container and has no code`,
		},
		{
			name: "a volume that nobody makes", file: head + "spec: {container: {name: c, image: i, volumeMounts: [{name: a, mountPath: /a}, {name: b, mountPath: /b}]}}\n",
			want: `error f:4:53: only the first volumeMount gets a volume in Keptn; "b" has none`,
		},
		{name: "a timeout", file: head + "spec: {timeout: 5 minutes, deno: {inline: {code: x}}}\n", want: `error f:4:17: invalid timeout "5 minutes"; write a duration such as 5m`},
		{name: "twice", file: head + "spec: {deno: {inline: {code: x}}}\n---\n" + head + "spec: {deno: {inline: {code: x}}}\n", want: `error f:6:1: the definition "d" is defined twice, first at f:1:1`},
		{name: "no name", file: "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nspec: {}\n", want: "error f:1:1: a KeptnTaskDefinition needs a name"},
		{name: "another namespace", file: strings.Replace(head, "name: d", "name: d, namespace: other", 1) + "spec: {deno: {inline: {code: x}}}\n", want: `warning f:3:32: the definition is in namespace "other"; it runs in the namespace of the release`},
		{name: "another version", file: "apiVersion: lifecycle.keptn.sh/v2\nkind: KeptnTask\n", want: `error f:1:13: the version of a KeptnTask is one of lifecycle.keptn.sh/v1, v1beta1, v1alpha4, v1alpha3, v1alpha2, v1alpha1, not "v2"`},
		{name: "not YAML", file: head + "spec: {\n", want: "error f:4: not YAML: did not find expected node content"},
		{name: "a task without a definition", file: "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTask\nmetadata: {name: t}\nspec: {checkType: pre}\n", want: `error f:4:7: KeptnTask "t" needs a taskDefinition`},
		{name: "a task of a definition that is not there", file: "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTask\nmetadata: {name: t}\nspec: {taskDefinition: x}\n", want: `error f:4:24: task definition "x" not found in the documents, nor in namespace ns or keptn-system (Keptn would wait forever)`},
		{name: "a task of another namespace", file: "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTask\nmetadata: {name: t, namespace: other}\nspec: {taskDefinition: x}\n", want: `error f:3:32: the KeptnTask is in namespace "other", and the run is in "ns" | hint: add -n other`},
		{
			name: "deno before v1alpha3", file: strings.Replace(head, "/v1", "/v1alpha2", 1) + "spec: {deno: {inline: {code: x}}, retries: 3}\n",
			want: `error f:4:8: deno is not a field of KeptnTaskDefinition of v1alpha2; Keptn drops it | hint: a later version, such as lifecycle.keptn.sh/v1, has it
error f:4:35: retries is not a field of KeptnTaskDefinition of v1alpha2; Keptn drops it | hint: a later version, such as lifecycle.keptn.sh/v1, has it`,
		},
		{name: "function before v1alpha3", file: strings.Replace(head, "/v1", "/v1alpha2", 1) + "spec: {function: {inline: {code: x}}}\n", want: "warning f:4:18: function is the name of deno before v1; a current Keptn drops it | hint: write deno: instead"},
		{name: "deno in v1alpha3", file: strings.Replace(head, "/v1", "/v1alpha3", 1) + "spec: {deno: {inline: {code: x}}, retries: 3}\n"},
		{
			name: "an evaluation without a metric", file: evaluationHead + "spec:\n  objectives:\n  - evaluationTarget: '>1'\n  - {keptnMetricRef: {namespace: x}, evaluationTarget: '>1'}\n",
			want: "error f:6:5: objective of v1 needs keptnMetricRef\nerror f:7:22: keptnMetricRef of v1 needs name",
		},
		{
			name: "an evaluation of an older version", file: evaluationHead + "spec:\n  source: prometheus\n  objectives:\n  - {name: a, query: b, evaluationTarget: '>1'}\n",
			want: `error f:5:11: source is not a field of KeptnEvaluationDefinition of v1; Keptn drops it | hint: v1alpha2 and earlier have it; name a KeptnMetric with keptnMetricRef
error f:7:5: objective of v1 needs keptnMetricRef
error f:7:6: name is not a field of objective of v1; Keptn drops it | hint: v1alpha2 and earlier have it; name a KeptnMetric with keptnMetricRef
error f:7:15: query is not a field of objective of v1; Keptn drops it | hint: v1alpha2 and earlier have it; name a KeptnMetric with keptnMetricRef`,
		},
		{name: "an old evaluation", file: strings.Replace(evaluationHead, "/v1", "/v1alpha1", 1) + "spec:\n  source: prometheus\n  objectives:\n  - {name: a, query: b, evaluationTarget: '>1'}\n"},
		{
			name: "an old evaluation with a metric", file: strings.Replace(evaluationHead, "/v1", "/v1alpha2", 1) + "spec: {objectives: [{keptnMetricRef: {name: a}, name: a, query: b, evaluationTarget: '>1'}]}\n",
			want: "error f:4:7: KeptnEvaluationDefinition of v1alpha2 needs source\nerror f:4:22: keptnMetricRef is not a field of objective of v1alpha2; Keptn drops it | hint: v1alpha3 and later have it",
		},
		{
			name: "a secret without a key", file: "apiVersion: metrics.keptn.sh/v1\nkind: KeptnMetricsProvider\nmetadata: {name: p}\nspec: {type: prometheus, targetServer: x, secretKeyRef: {name: s}}\n",
			want: "error f:4:57: secretKeyRef of v1 needs key",
		},
		{name: "a secret with a key", file: "apiVersion: metrics.keptn.sh/v1\nkind: KeptnMetricsProvider\nmetadata: {name: p}\nspec: {type: prometheus, targetServer: x, secretKeyRef: {name: s, key: k, optional: true}}\n"},
		{
			name: "an app of v1 with tasks", file: "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnApp\nmetadata: {name: a}\nspec: {version: '1', preDeploymentTasks: [x]}\n",
			want: "error f:4:42: preDeploymentTasks is not a field of KeptnApp of v1; Keptn drops it | hint: a KeptnAppContext of the same name has it",
		},
		{
			name: "a context before there was one", file: "apiVersion: lifecycle.keptn.sh/v1alpha3\nkind: KeptnAppContext\nmetadata: {name: a}\n",
			want: `error f:1:13: the version of a KeptnAppContext is one of lifecycle.keptn.sh/v1, v1beta1, not "v1alpha3"`,
		},
		{name: "what is not Keptn's", file: "apiVersion: v1\nkind: Secret\nodd: 1\n---\napiVersion: apps/v1\nkind: Deployment\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, found := Parse([]byte(tt.file), Options{Source: task.Source{Name: "f"}, Namespace: "ns", Namespaces: []string{"ns", "keptn-system"}, Lenient: tt.looking})
			if diff := cmp.Diff(tt.want, say(found)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A KeptnTask has the defaults of its own CRD, not the values of its definition.
func TestAttempts(t *testing.T) {
	const definition = head + "spec: {retries: 0, timeout: 1h, deno: {inline: {code: x}}}\n---\n"
	for spec, want := range map[string]struct {
		retries int32
		timeout time.Duration
		says    string
	}{
		"": {10, 5 * time.Minute, `warning f:9:7: KeptnTask "t" has no retries, and so 10, not the 0 of its definition, as in Keptn | hint: set it in the KeptnTask
warning f:9:7: KeptnTask "t" has no timeout, and so 5m, not the 1h of its definition, as in Keptn | hint: set it in the KeptnTask`},
		", retries: 2, timeout: 10s": {2, 10 * time.Second, ""},
	} {
		text := definition + "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTask\nmetadata: {name: t}\nspec: {taskDefinition: d" + spec + "}\n"
		tasks, found := Parse([]byte(text), Options{Source: task.Source{Name: "f"}, Namespace: "ns"})
		if diff := cmp.Diff(want.says, say(found)); diff != "" || len(tasks) != 1 {
			t.Fatalf("%d tasks (-want +got):\n%s", len(tasks), diff)
		}
		job := tasks[0].Executor.(task.Keptn).Job.Spec
		if *job.BackoffLimit != want.retries || tasks[0].Timeout != want.timeout || *job.ActiveDeadlineSeconds != int64(want.timeout.Seconds()) {
			t.Errorf("%q: %d retries, %d seconds, timeout %s", spec, *job.BackoffLimit, *job.ActiveDeadlineSeconds, tasks[0].Timeout)
		}
	}
}

// TestOthers: a definition can refer to one of another document.
func TestOthers(t *testing.T) {
	parent := strings.Replace(head, "name: d", "name: e", 1) + "spec: {deno: {inline: {code: x}}}\n"
	tasks, found := Parse([]byte(head+"spec: {deno: {functionRef: {name: e}}}\n"), Options{
		Source: task.Source{Name: "f"}, Others: []Document{{Source: task.Source{Name: "g"}, Text: []byte(parent)}},
	})
	if len(found) > 0 || len(tasks) != 1 || tasks[0].Name != "d" || tasks[0].Executor.(task.Keptn).Code != "x" {
		t.Errorf("%+v %v", tasks, found)
	}
}

func TestConvert(t *testing.T) {
	file := head + "spec: {deno: {inline: {code: x}, parameters: {map: {a: b}}, secureParameters: {secret: s}}}\n---\n" +
		strings.Replace(head, "name: d", "name: e", 1) + "spec: {container: {name: c, image: i}}\n"
	tasks, found := Convert([]byte(file), Options{})
	if len(found) > 0 || len(tasks) != 2 {
		t.Fatal(tasks, found)
	}
	want := task.Function{Runtime: task.Deno, Code: "x", Parameters: map[string]string{"a": "b"}, Secret: "s"}
	if diff := cmp.Diff(want, tasks[0].Executor); diff != "" {
		t.Error(diff)
	}
	if j, ok := tasks[1].Executor.(task.Job); !ok || j.Main != "c" || *j.Spec.BackoffLimit != 10 {
		t.Errorf("%+v", tasks[1].Executor)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(head + "spec: {deno: {functionRef: {name: d}}}\n"))
	f.Add([]byte(head + "spec: {container: {name: c, image: i, volumeMounts: [{name: a}]}}\n"))
	f.Add([]byte("apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTask\nmetadata: {name: t}\nspec: {taskDefinition: x}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		tasks, found := Parse(text, Options{Source: task.Source{Name: "f"}})
		if found.Err() != nil && len(tasks) > 0 {
			t.Error("tasks beside errors")
		}
		for _, one := range tasks {
			if err := one.Validate(); err != nil {
				t.Error(err)
			}
		}
		_, _ = Convert(text, Options{})
	})
}
