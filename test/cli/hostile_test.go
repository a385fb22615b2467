package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plugin"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/test/script"
)

// hostileDocuments are documents of each format, with as many of its fields as go together.
var hostileDocuments = map[string]string{
	"tasks.yaml": `
apiVersion: kubectl-tasks.io/v1alpha1
kind: Tasks
metadata: {name: shop}
params:
- {name: SIZE, description: how large, default: small, enum: [small, large]}
tasks:
- name: one
  phase: pre-deploy
  host: {command: [echo, "${release.name}"], env: [{name: A, value: b}]}
  outputs: {word: {regex: "(.*)"}}
- name: two
  phase: pre-deploy
  needs: [one]
  when: params.SIZE == "small"
  host: {shell: "echo ${tasks.one.outputs.word}"}
- name: three
  phase: post-deploy
  exec: {target: deployment/web, container: c, command: [echo, a]}
- name: four
  phase: post-deploy
  pod: {image: "busybox:1", shell: echo b}
- name: five
  phase: post-deploy
  approve: {message: "go on?"}
- name: six
  phase: post-deploy
  wait: {object: deployment/web, for: condition=Available}
`,
	".lagoon.yml": `
environment_variables: {git_sha: "true"}
tasks:
  pre-rollout:
  - run: {name: one, command: echo one, service: cli, container: php, shell: bash, when: "true"}
  post-rollout:
  - run: {name: two, command: echo two, service: nginx}
`,
	".draft-tasks.toml": `
[pre-up]
"hello" = "echo hello"
[post-up]
world = "echo world"
[post-deploy]
pods = "echo in a pod"
[cleanup]
bye = "echo bye"
`,
	"keptn.yaml": `
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: one, namespace: a, labels: {b: c}}
spec:
  retries: 1
  timeout: 5s
  container: {name: main, image: "busybox:1", command: [echo, a], env: [{name: A, value: b}]}
---
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTask
metadata: {name: two}
spec: {taskDefinition: one, context: {workloadName: w, appName: a, appVersion: "1", taskType: pre, objectType: Workload}}
`,
}

// hostileCommands look at documents, and the last runs what it can run.
var hostileCommands = [][]string{
	{"list", "-o", "wide"},
	{"list", "-o", "json"},
	{"list", "-o", "yaml"},
	{"lint"},
	{"lint", "-o", "json"},
	{"plan", "run", "--phase", "pre-deploy", "-o", "mermaid"},
	{"plan", "run", "--phase", "post-deploy", "-o", "dot"},
	{"plan", "run", "--phase", "post-deploy"},
	{"run", "nosuch"},
	{"run", "--phase", "pre-deploy"},
	{"run", "--phase", "pre-up", "-o", "yaml"},
}

// TestHostile: whatever stands in any field or key of a document, no command prints what a terminal, a log viewer or a CI
// system obeys; and JSON and YAML can be read.
func TestHostile(t *testing.T) {
	t.Setenv("KUBECONFIG", "/dev/null")
	t.Setenv("TF_BUILD", "True")
	for name, document := range hostileDocuments {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			printed := 0
			for i, text := range mutations(t, name, document) {
				if err := os.WriteFile(name, text, 0o600); err != nil {
					t.Fatal(err)
				}
				for _, args := range hostileCommands {
					out, errOut, code := run(args...)
					printed += strings.Count(out+errOut, `\x1b`)
					for stream, text := range map[string]string{"standard output": out, "standard error": errOut} {
						if found := script.Obeyed(text); found != "" {
							t.Fatalf("%v, %s, mutation %d: %q\n%s", args, stream, i, found, text)
						}
					}
					var object any
					if n := len(args); n > 2 && args[n-2] == "-o" && slices.Contains([]string{"json", "yaml"}, args[n-1]) && code == 0 {
						if err := yaml.Unmarshal([]byte(out), &object); err != nil || object == nil {
							t.Errorf("%v prints %q: %v", args, out, err)
						}
					}
				}
			}
			if printed == 0 {
				t.Error("no command printed any of it, so that nothing was tested")
			}
		})
	}
}

// run runs a command in this process.
func run(args ...string) (out, errOut string, code int) {
	var stdout, stderr bytes.Buffer
	app := plugin.New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &stdout, ErrOut: &stderr})
	code = app.Run(context.Background(), args)
	return stdout.String(), stderr.String(), code
}

// mutations returns the document, with each text of it in turn replaced by a hostile one, and each key.
func mutations(t *testing.T, name, document string) [][]byte {
	t.Helper()
	var all [][]byte
	parts := strings.Split(document, "\n---\n")
	for i, part := range parts {
		var tree any
		var err error
		if filepath.Ext(name) == ".toml" {
			err = toml.Unmarshal([]byte(part), &tree)
		} else {
			err = yaml.Unmarshal([]byte(part), &tree)
		}
		if err != nil {
			t.Fatal(err)
		}
		script.Mutate(tree, script.Hostile, func() {
			var text []byte
			if filepath.Ext(name) == ".toml" {
				text, err = toml.Marshal(tree)
			} else {
				var b bytes.Buffer
				err = report.YAML(&b, tree)
				text = b.Bytes()
			}
			if err != nil {
				t.Fatal(err)
			}
			whole := slices.Clone(parts)
			whole[i] = string(text)
			all = append(all, []byte(strings.Join(whole, "\n---\n")))
		})
	}
	if len(all) < 10 {
		t.Fatalf("only %d mutations", len(all))
	}
	return all
}
