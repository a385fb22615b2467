//go:build e2e

package e2e

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plugin"
	"github.com/kubectl-tasks/kubectl-tasks/test/script"
)

// notRun are the code blocks of the documents that are not run here, and why.
var notRun = map[string]string{
	"make demo": "the README's two commands are what runs these tests",
}

// TestDocuments runs every code block of the documents, each document from top to bottom in a
// namespace and a directory of its own, where ./chart is examples/web.
func TestDocuments(t *testing.T) {
	t.Parallel()
	documents := []string{filepath.Join(rootDir, "README.md"), filepath.Join(rootDir, "CHANGELOG.md")}
	var more []string
	for _, pattern := range []string{"docs/*.md", "docs/executors/*.md"} {
		found, err := filepath.Glob(filepath.Join(rootDir, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("no documents %s: %v", pattern, err)
		}
		more = append(more, found...)
	}
	cluster := client(t)
	for _, path := range append(documents, more...) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := commands(t, string(text))
			if lines == "" {
				return
			}
			u := userDir(t, namespace(t, cluster, "docs"))
			if out, err := u.bash(lines); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// commands returns a document's code blocks as a script. In a block of kind "console" the lines
// after a prompt are run, and what "cat FILE" shows is what the file gets.
func commands(t *testing.T, document string) string {
	t.Helper()
	var script strings.Builder
	blocks := strings.Split(document, "\n```")
	for i := 1; i < len(blocks); i += 2 {
		kind, body, _ := strings.Cut(blocks[i], "\n")
		switch kind {
		case "sh":
			script.WriteString(body + "\n")
		case "console":
			for part := range strings.SplitSeq("\n"+body, "\n$ ") {
				command, output, _ := strings.Cut(part, "\n")
				if file, shown := strings.CutPrefix(command, "cat "); shown {
					command = "cat > " + file + " <<'END'\n" + strings.TrimSpace(output) + "\nEND"
				}
				script.WriteString(command + "\n")
			}
		default:
			known := func(start string) bool { return strings.HasPrefix(body, start) }
			if !slices.ContainsFunc(slices.Collect(maps.Keys(notRun)), known) {
				t.Errorf("a code block of kind %q is not run:\n%s", kind, body)
			}
		}
	}
	return script.String()
}

// user is a user with a shell, a kubeconfig and a directory.
type user struct {
	t          *testing.T
	dir        string
	kubeconfig string
}

func userDir(t *testing.T, ns string) user {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "chart"), os.DirFS(filepath.Join(rootDir, "examples/web"))); err != nil {
		t.Fatal(err)
	}
	return user{t, dir, kubeconfigFor(t, t.TempDir(), ns)}
}

func (u user) bash(lines string) (string, error) {
	// The image that the documents name is called so here.
	lines = strings.ReplaceAll(lines, "busybox:1.37", "busybox:test")
	cmd := exec.CommandContext(u.t.Context(), "bash", "-euo", "pipefail", "-c", lines)
	cmd.Dir = u.dir
	cmd.Env = append(os.Environ(), "KUBECONFIG="+u.kubeconfig, "GORACE="+script.Race, "HOME="+u.dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestExamples runs the examples of every command's help.
func TestExamples(t *testing.T) {
	t.Parallel()
	cluster := client(t)
	root := plugin.New(genericiooptions.NewTestIOStreamsDiscard()).Command()
	for _, cmd := range append(root.Commands(), root) {
		if cmd != root && !cmd.IsAvailableCommand() || cmd.Name() == "help" || cmd.Name() == "completion" {
			continue
		}
		t.Run(cmd.Name(), func(t *testing.T) {
			t.Parallel()
			u := userDir(t, namespace(t, cluster, "examples"))
			for _, name := range []string{".draft-tasks.toml", "deploy/.draft-tasks.toml", ".draft/packs/python/tasks.toml"} {
				write(t, u.dir, name, exampleTasks)
			}
			for name, text := range exampleLagoon {
				write(t, u.dir, name, text)
			}
			if out, err := u.bash(exampleConfigMap); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			ran := 0
			for line := range strings.Lines(cmd.Example) {
				command := strings.TrimSpace(line)
				if command == "" || strings.HasPrefix(command, "#") {
					continue
				}
				ran++
				before := "helm upgrade --install web ./chart --set replicas=1 --wait >/dev/null"
				if strings.Contains(command, "tasks rollback") {
					before += "; " + before // something to go back to
				}
				if strings.Contains(command, "tasks install") || strings.Contains(command, "tasks plan install") {
					before = "helm uninstall web --ignore-not-found --wait"
				}
				if slices.Contains([]string{"resume", "cancel", "status", "logs", "history"}, cmd.Name()) {
					past := "configmap/past/tasks.yaml"
					if strings.Contains(command, "--tasks deploy.yaml") {
						past = "deploy.yaml"
					}
					before += "\npast=" + past + examplePast
					command = strings.ReplaceAll(command, "20260102-150405-a1b2c3", "$(kubectl tasks history -o name | tail -n 1)")
				}
				if strings.Contains(command, "tasks plan") {
					command += " || test $? -eq 2" // there is something to do
				}
				if out, err := u.bash(before + "\n" + command); err != nil {
					t.Errorf("%s: %v\n%s", command, err, out)
				}
			}
			if ran == 0 {
				t.Errorf("%s has no example", cmd.CommandPath())
			}
		})
	}
}

var exampleLagoon = map[string]string{
	".lagoon.yml":     "tasks: {post-rollout: [{run: {name: page, service: web, command: wget -q -O - localhost:8080}}]}\n",
	"lagoontask.yaml": exampleTask, "definition.json": exampleDefinition,
}

// What the examples speak of.
const (
	exampleTasks = `[pre-up]
hello = "echo hello"
[post-deploy]
"sync database" = "echo syncing"
`
	exampleTask = `apiVersion: crd.lagoon.sh/v1beta2
kind: LagoonTask
metadata: {name: lagoon-task-1}
spec: {task: {id: "1", service: web, command: echo hello}}
`
	exampleDefinition = `{"name": "Say", "type": "COMMAND", "service": "web", "command": "echo $NAME",
 "advancedTaskDefinitionArguments": [{"name": "NAME", "type": "STRING"}]}
`
	// examplePast makes a run that died in its first task.
	examplePast = `
cat >deploy.yaml <<'END'
apiVersion: kubectl-tasks.io/v1alpha1
kind: Tasks
metadata: {name: past}
tasks:
- {name: backup, exec: {target: deployment/web, shell: "echo backup; sleep 6"}}
- {name: migrate, needs: [backup], exec: {target: deployment/web, command: [echo, migrated]}}
END
kubectl create configmap past --from-file=tasks.yaml=deploy.yaml --dry-run=client -o yaml | kubectl apply -f - >/dev/null
timeout --signal=KILL 3 kubectl tasks run backup migrate --release web -t $past || true`
	exampleConfigMap = `kubectl create configmap web-tasks --from-literal=.draft-tasks.toml='[post-deploy]
page = "wget -q -O - localhost:8080"'
kubectl annotate configmap web-tasks kubectl-tasks.io/release=web`
)
