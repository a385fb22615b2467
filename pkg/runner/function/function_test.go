package function

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/pod"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestBuild compares with the table of spec keptn.md § 3.2: the variables, their order and values.
func TestBuild(t *testing.T) {
	r := Runner{Pods: pod.Runner{Release: "web"}, Images: map[task.Runtime]string{task.Python: "py:1"}}
	tests := []struct {
		name     string
		task     task.Task
		function task.Function
		image    string
		env      []string
		mounted  string
	}{
		{
			name: "inline", task: task.Task{Phase: task.PreDeploy},
			function: task.Function{Runtime: task.Deno, Code: "x", Parameters: map[string]string{"b": "<&>", "a": "$(A)"}, Secret: "s", Arguments: "-q"},
			image:    "ghcr.io/keptn/deno-runtime:v3.0.1",
			env: []string{
				`DATA={"a":"$$(A)","b":"\u003c\u0026\u003e"}`,
				`KEPTN_CONTEXT={"workloadName":"","appName":"web","appVersion":"","workloadVersion":"","taskType":"pre","objectType":"App"}`,
				"CMD_ARGS=-q", "SECURE_DATA=s/SECURE_DATA", "SCRIPT=/var/data/function.ts",
			},
			mounted: "metadata.annotations['kubectl-tasks.io/code']",
		},
		{
			name: "ConfigMap", task: task.Task{Phase: task.PostDeploy},
			function: task.Function{Runtime: task.Python, ConfigMap: "c", Metadata: map[string]string{"k": "v"}, Env: []corev1.EnvVar{{Name: "MY", Value: "$(CMD_ARGS)"}}},
			image:    "py:1",
			env: []string{
				`KEPTN_CONTEXT={"workloadName":"","appName":"web","appVersion":"","workloadVersion":"","taskType":"post","objectType":"App","metadata":{"k":"v"}}`,
				"CMD_ARGS=", "SCRIPT=/var/data/function.py", "MY=$(CMD_ARGS)",
			},
			mounted: "c/code",
		},
		{
			name:     "URL",
			function: task.Function{Runtime: task.Python, Image: "own", URL: "https://example.com/f.py"},
			image:    "own",
			env: []string{
				`KEPTN_CONTEXT={"workloadName":"","appName":"web","appVersion":"","workloadVersion":"","taskType":"","objectType":"App"}`,
				"CMD_ARGS=", "SCRIPT=https://example.com/f.py",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			made, err := r.build(tt.task, tt.function)
			if err != nil {
				t.Fatal(err)
			}
			c := made.MainContainer()
			var env []string
			for _, v := range c.Env {
				value := v.Value
				if v.ValueFrom != nil {
					value = v.ValueFrom.SecretKeyRef.Name + "/" + v.ValueFrom.SecretKeyRef.Key
				}
				env = append(env, v.Name+"="+value)
			}
			if diff := cmp.Diff(tt.env, env); diff != "" {
				t.Error(diff)
			}
			if c.Image != tt.image || !made.Adapt {
				t.Errorf("image %s, want %s", c.Image, tt.image)
			}
			mounted := ""
			for _, v := range made.Spec.Volumes {
				if v.ConfigMap != nil {
					mounted = v.ConfigMap.Name + "/" + v.ConfigMap.Items[0].Key
				} else {
					mounted = v.DownwardAPI.Items[0].FieldRef.FieldPath
				}
			}
			if mounted != tt.mounted {
				t.Errorf("mounts %q, want %q", mounted, tt.mounted)
			}
		})
	}
}
