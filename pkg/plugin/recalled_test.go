package plugin

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func newTestApp() *App {
	return New(genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: &bytes.Buffer{}, ErrOut: &bytes.Buffer{}})
}

// TestFlagsOfRecords: each flag of the commands that a record may name is known to be a decision, to touch this
// machine, or to choose the cluster; what no run records is none of these.
func TestFlagsOfRecords(t *testing.T) {
	never := []string{"dry-run", "hide-secret"}
	for _, name := range []string{"install", "upgrade", "rollback", "uninstall", "run"} {
		cmd, _, err := newTestApp().Command().Find([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			in := 0
			for _, list := range [][]string{decisions, ofMachine, connects, never} {
				if slices.Contains(list, f.Name) {
					in++
				}
			}
			if in != 1 && (f.Name != "username" && f.Name != "password") {
				t.Errorf("--%s of %s is in %d of the lists", f.Name, name, in)
			}
		})
	}
}

// TestRecall: a record is data. What it says is taken, left to the user, or refused.
func TestRecall(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.MkdirAll(filepath.Join(dir, "chart"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.TempDir(), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		operation task.Operation
		release   string
		command   string
		given     []setting
		line      string
		machine   string
		refused   string
	}{
		{name: "decisions are taken", operation: task.Install, release: "web", command: "install --set=a=b --wait=true web ./chart", line: "install --set=a=b --wait=true -- web ./chart"},
		{name: "a generated name is that of the run", operation: task.Install, release: "chart-123", command: "install --generate-name=true ./chart", line: "install -- chart-123 ./chart"},
		{name: "and one of a template", operation: task.Install, release: "web-7", command: "install --name-template=web-{{randNumeric}} ./chart", line: "install -- web-7 ./chart"},
		{name: "a run keeps its dash", operation: task.Run, command: "run --pod=busybox -- echo --kubeconfig=x", line: "run --pod=busybox -- echo --kubeconfig=x"},
		{name: "each release has a run of its own", operation: task.Uninstall, release: "b", command: "uninstall a b", line: "uninstall -- b"},
		{name: "host tasks", operation: task.Run, command: "run --allow-host-tasks=true one", line: "run --allow-host-tasks=true one", machine: "--allow-host-tasks=true"},
		{name: "a flag that was not set", operation: task.Run, command: "run --allow-host-tasks=false one", line: "run one"},
		{name: "a renderer", operation: task.Install, release: "web", command: "install --post-renderer=sh --post-renderer-args=-c web ./chart", line: "install --post-renderer=sh --post-renderer-args=-c -- web ./chart", machine: "--post-renderer=sh --post-renderer-args=-c"},
		{name: "files", operation: task.Upgrade, release: "web", command: "upgrade -f values.yaml --set-file=a=b --events=e web ./chart", line: "upgrade --values=values.yaml --set-file=a=b --events=e -- web ./chart", machine: "--values=values.yaml --set-file=a=b --events=e"},
		{name: "what is given replaces", operation: task.Upgrade, release: "web", command: "upgrade --values=a.yaml --yes=true web ./chart", given: []setting{{"values", "b.yaml"}, {"yes", "true"}}, line: "upgrade --values=b.yaml --yes=true -- web ./chart"},
		{name: "tasks of the cluster", operation: task.Run, command: "run --tasks=configmap/a one", line: "run --tasks=configmap/a one"},
		{name: "a chart elsewhere", operation: task.Install, release: "web", command: "install web /usr", line: "install -- web /usr", machine: "--chart=/usr"},
		{name: "a chart behind a link", operation: task.Install, release: "web", command: "install web ./link", line: "install -- web ./link", machine: "--chart=./link"},
		{name: "a chart of a registry", operation: task.Install, release: "web", command: "install web oci://there/chart", line: "install -- web oci://there/chart", machine: "--chart=oci://there/chart"},
		{name: "a chart that is given", operation: task.Install, release: "web", command: "install web oci://there/chart", given: []setting{{"chart", "./chart"}}, line: "install -- web ./chart"},
		{name: "another namespace", operation: task.Uninstall, release: "web", command: "uninstall --namespace=other --record=none web", refused: "--namespace"},
		{name: "another cluster", operation: task.Run, command: "run --kubeconfig=x one", refused: "--kubeconfig"},
		{name: "another server", operation: task.Run, command: "run --proxy-url=http://x one", refused: "--proxy-url"},
		{name: "a dry run", operation: task.Install, release: "web", command: "install --dry-run=client web ./chart", refused: "--dry-run"},
		{name: "no command", operation: task.Run, command: "resume", refused: `"resume" is not a command`},
		{name: "a path to a command", operation: task.Run, command: "--help run", refused: "is not a command"},
		{name: "another operation", operation: task.Install, release: "web", command: "uninstall web", refused: "uninstall"},
		{name: "another release", operation: task.Uninstall, release: "web", command: "uninstall db", refused: `not about release "web"`},
		{name: "another release of an install", operation: task.Install, release: "web", command: "install db ./chart", refused: `not about release "web"`},
		{name: "the release of a run", operation: task.Run, release: "web", command: "run --release=web one", line: "run --release=web one"},
		{name: "a release of a run of none", operation: task.Run, command: "run --release=db one", refused: `not about release ""`},
		{name: "documents are one list", operation: task.Run, command: "run --filename=configmap/evil one", given: []setting{{"tasks", "mine.yaml"}}, line: "run --tasks=mine.yaml one"},
		{name: "another release of a run", operation: task.Run, release: "web", command: "run --release=db one", refused: `not about release "web"`},
		{name: "a flag that there is not", operation: task.Run, command: "run --nothing one", refused: "unknown flag"},
		{name: "help", operation: task.Run, command: "run --help", refused: "help"},
		{name: "a flag behind arguments", operation: task.Rollback, release: "web", command: "rollback web 1 --kube-apiserver=http://x", refused: "--kube-apiserver"},
		{name: "no chart", operation: task.Upgrade, release: "web", command: "upgrade web", refused: "no chart"},
		{name: "no arguments", operation: task.Rollback, release: "web", command: "rollback", refused: "not about release"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run := recorded{id: "1", operation: tt.operation, release: tt.release, command: strings.Fields(tt.command)}
			got, err := newTestApp().recall(run)
			if tt.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refused) || action.ExitCode(err) != action.ExitPreflight {
					t.Fatalf("%v, exit code %d; want %q and 4", err, action.ExitCode(err), tt.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := got.give(tt.given); err != nil {
				t.Fatal(err)
			}
			var machine []string
			for _, s := range got.machine {
				machine = append(machine, s.String())
			}
			if text := strings.Join(machine, " "); text != tt.machine {
				t.Errorf("asks for %q, want %q", text, tt.machine)
			}
			if line := strings.Join(got.line(tt.given), " "); line != tt.line {
				t.Errorf("line %q, want %q", line, tt.line)
			}
			err = newTestApp().consent(t.Context(), run.id, got.machine)
			if want := map[bool]int{false: 0, true: action.ExitPreflight}[tt.machine != ""]; action.ExitCode(err) != want {
				t.Errorf("without a terminal exit code %d, want %d", action.ExitCode(err), want)
			}
		})
	}
}
