package lagoon

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// env returns variables as NAME=VALUE.
func env(all []corev1.EnvVar) []string {
	var lines []string
	for _, v := range all {
		lines = append(lines, v.Name+"="+v.Value)
	}
	return lines
}

func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestStandardResource(t *testing.T) {
	file := `apiVersion: crd.lagoon.sh/v1beta2
kind: LagoonTask
metadata:
  name: lagoon-task-abc
  namespace: shop-main
  labels:
    lagoon.sh/controller: lagoon
    lagoon.sh/taskType: standard
    lagoon.sh/controller: lagoon
spec:
  task: {id: "42", name: Drush cr, service: cli, command: 'drush cr $(x)', sshHost: old}
  project:
    id: 7
    name: shop
    organization: {id: 3, name: acme}
    variables:
      project: ` + encode(`[{"name":"A","value":"$(B)","scope":"build"}]`) + `
      environment: ` + encode(`[]`) + `
  environment: {id: 9, name: main, environmentType: production}
  misc: {id: ''}
`
	tasks, found := Parse([]byte(file), Options{
		Source: task.Source{Name: "f.yaml"},
		Facts:  Facts{Namespace: "shop-main", Variables: map[string]string{"LAGOON_CONFIG_API_HOST": "https://api", "LAGOON_CONFIG_TOKEN_HOST": "token", "NO_PROXY": "x"}},
	})
	if len(found) > 0 || len(tasks) != 1 {
		t.Fatal(tasks, found)
	}
	got := tasks[0].Executor.(task.Standard)
	if tasks[0].Name != "lagoon-task-abc" || tasks[0].Timeout != 6*time.Hour || tasks[0].Phase != "" || got.Service != "cli" {
		t.Errorf("%+v", tasks[0])
	}
	if diff := cmp.Diff([]string{"/bin/sh", "-c", "drush cr $(x)"}, got.Argv()); diff != "" {
		t.Error(diff)
	}
	want := []string{
		"TASK_API_HOST=https://api", "TASK_SSH_HOST=token", "LAGOON_CONFIG_API_HOST=https://api", "LAGOON_CONFIG_TOKEN_HOST=token",
		"TASK_DATA_ID=42", "LAGOON_PROJECT_ID=7", "LAGOON_ENVIRONMENT_ID=9", "NO_PROXY=x",
		`LAGOON_PROJECT_VARIABLES=[{"name":"A","value":"$$(B)","scope":"build"}]`, // which the cluster turns into $(B)
	}
	if diff := cmp.Diff(want, env(got.Env)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	labels := map[string]string{
		"lagoon.sh/jobType": "task", "lagoon.sh/taskName": "lagoon-task-abc", "crd.lagoon.sh/version": "v1beta2",
		"organization.lagoon.sh/id": "3", "organization.lagoon.sh/name": "acme",
	}
	if diff := cmp.Diff(labels, got.Labels); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAdvancedResource(t *testing.T) {
	tests := []struct {
		name, file string
		want       task.Advanced
		env        []string
	}{
		{
			name: "v1beta2", file: `{"apiVersion": "crd.lagoon.sh/v1beta2", "kind": "LagoonTask", "metadata": {"name": "t"}, "spec": {
  "task": {"id": "1"}, "project": {"name": "shop"}, "environment": {"name": "main"},
  "advancedTask": {"RunnerImage": "i:1", "JSONPayload": "e30=", "deployerToken": 1, "sshKey": "true", "volumeMounts": true}}}`,
			want: task.Advanced{Image: "i:1", Payload: "e30=", DeployerToken: true, SSHKey: true, VolumeMounts: true},
			env:  []string{"LAGOON_PROJECT=shop", "LAGOON_GIT_BRANCH=main", "TASK_DATA_ID=1"},
		},
		{
			name: "v1beta1, with texts for numbers", file: `apiVersion: crd.lagoon.sh/v1beta1
kind: LagoonTask
metadata: {name: t, labels: {lagoon.sh/taskType: advanced}}
spec:
  task: {id: 1}
  project: {id: '', name: shop}
  advancedTask: {runnerImage: i, JSONPayload: '{"a": 1}', deployerToken: false, sshKey: 0}
`,
			want: task.Advanced{Image: "i", Payload: encode(`{"a": 1}`)},
			env:  []string{"LAGOON_PROJECT=shop", "TASK_DATA_ID=1"},
		},
		{
			name: "v1alpha1, without a payload", file: "apiVersion: lagoon.amazee.io/v1alpha1\nkind: LagoonTask\nmetadata: {name: t}\nspec: {advancedTask: {runnerImage: i}}\n",
			want: task.Advanced{Image: "i", Payload: "e30="},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tasks, found := Parse([]byte(tt.file), Options{})
			if len(found) > 0 || len(tasks) != 1 {
				t.Fatal(tasks, found)
			}
			got := tasks[0].Executor.(task.Advanced)
			if diff := cmp.Diff(tt.env, env(got.Env)); diff != "" {
				t.Errorf("env (-want +got):\n%s", diff)
			}
			if got.Labels["lagoon.sh/taskName"] != "t" || tasks[0].Outputs[0].Name != task.TaskData {
				t.Errorf("%+v", tasks[0])
			}
			got.Env, got.Labels = nil, nil
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadResources(t *testing.T) {
	const head = "apiVersion: crd.lagoon.sh/v1beta2\nkind: LagoonTask\n"
	tests := []struct{ name, file, want string }{
		{"another version", "apiVersion: crd.lagoon.sh/v2\nkind: LagoonTask\n", `f:1:13: the version of a LagoonTask is one of crd.lagoon.sh/v1beta2, crd.lagoon.sh/v1beta1, lagoon.amazee.io/v1alpha1, not "crd.lagoon.sh/v2"`},
		{"another kind beside it", head + "spec: {task: {service: a, command: b}}\n---\napiVersion: crd.lagoon.sh/v1beta2\nkind: LagoonBuild\n", "f:6:7: this is a LagoonBuild, not a LagoonTask"},
		{"another namespace", head + "metadata: {namespace: other}\n", "f:3:23: the LagoonTask is in namespace \"other\", and the run is in \"ns\"\nhint: add -n other"},
		{"no service", head + "spec: {task: {command: x}}\n", "f:3:14: spec.task.service is required: it is the deployment whose pod is copied"},
		{"no command", head + "spec: {task: {service: x}}\n", "f:3:14: spec.task.command is required"},
		{"no image", head + "spec: {advancedTask: {}}\n", "f:3:22: spec.advancedTask.runnerImage is required: an advanced task runs it"},
		{"a payload that is nothing", head + "spec: {advancedTask: {runnerImage: i, JSONPayload: 'x y'}}\n", "f:3:52: JSONPayload is neither JSON nor base64 of JSON"},
		{"variables that are no list", head + "spec: {project: {variables: {project: '?'}}, task: {service: a, command: b}}\n", "f:3:39: this must be a JSON list of variables in base64"},
		{"another type", head + "metadata: {labels: {lagoon.sh/taskType: odd}}\n", `f:3:41: the label lagoon.sh/taskType is "odd"; it must be standard or advanced`},
		{"not YAML", head + "spec: {\n", "f:3: not YAML: did not find expected node content"},
		{"a form that cannot be", head + "spec: [a]\n", "f:1:1: this LagoonTask cannot be read:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tasks, found := Parse([]byte(tt.file), Options{Source: task.Source{Name: "f"}, Facts: Facts{Namespace: "ns"}})
			if err := found.Err(); err == nil || !strings.Contains(err.Error(), tt.want) || len(tasks) > 0 {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestPodTimeout(t *testing.T) {
	const file = "apiVersion: crd.lagoon.sh/v1beta2\nkind: LagoonTask\nspec: {task: {service: a, command: b}}\n"
	label := func(value string) func(string) (Variable, bool) {
		return func(name string) (Variable, bool) { return Variable{Value: value}, name == podTimeoutLabel }
	}
	tests := []struct {
		options Options
		want    time.Duration
	}{
		{Options{}, 6 * time.Hour},
		{Options{Facts: Facts{Cluster: label("2")}}, 2 * time.Hour},
		{Options{Facts: Facts{Cluster: label("-2")}}, 6 * time.Hour},
		{Options{Facts: Facts{Cluster: label("2")}, Timeout: time.Minute}, time.Minute},
	}
	for _, tt := range tests {
		if tasks, _ := Parse([]byte(file), tt.options); tasks[0].Timeout != tt.want {
			t.Errorf("%s, want %s", tasks[0].Timeout, tt.want)
		}
	}
}

func TestPayload(t *testing.T) {
	for text, want := range map[string]string{
		"": "e30=", "e30=": "e30=", encode(`{"a":[]}`): encode(`{"a":[]}`), `"e30="`: encode(`"e30="`),
	} {
		if got, ok := Payload(text); got != want || !ok {
			t.Errorf("%q is %q, %v; want %q", text, got, ok, want)
		}
	}
	if got, ok := Payload(" {\"a\": 1}\n"); got != encode(`{"a": 1}`) || !ok {
		t.Error(got)
	}
	for _, text := range []string{"{", "x y", encode("{")} {
		if _, ok := Payload(text); ok {
			t.Errorf("%q is a payload", text)
		}
	}
}
