//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/action"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/report"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// embedded is an install in this process, through pkg/action, of a release in a namespace of its own.
type embedded struct {
	install *action.Operation
	log     bytes.Buffer // what is shown of the run
	states  map[string]task.State
	ids     []string // of the runs that were shown

	mu        sync.Mutex
	leftovers []func()
}

// tasksAround are the tasks of release %[1]s: each prints the name of the release. The first one waits in %[3]s for that
// of the other release, so that both runs are at work at the same time. The pod task exits with %[2]d.
const tasksAround = `apiVersion: kubectl-tasks.io/v1alpha1
kind: Tasks
tasks:
- name: before
  phase: pre-install
  timeout: 1m
  host: {shell: "touch %[3]s/%[1]s; until test -e %[3]s/%[4]s; do sleep 0.1; done; echo before $TASKS_RELEASE in $TASKS_NAMESPACE"}
- name: meanwhile
  phase: mid-install
  host: {shell: "echo meanwhile $TASKS_RELEASE"}
- name: inside
  phase: post-install
  exec: {target: deployment/%[1]s, shell: "echo inside %[1]s"}
- name: own-pod
  phase: post-install
  needs: [inside]
  pod: {image: "busybox:test", imagePullPolicy: Never, shell: "echo own pod of %[1]s; exit %[2]d"}
- name: after
  phase: post-install
  needs: [own-pod]
  sleep: {for: 10ms}
`

func embed(t *testing.T, meet, name, other string, exitCode int) *embedded {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tasks.yaml"), fmt.Appendf(nil, tasksAround, name, exitCode, meet, other), 0o600); err != nil {
		t.Fatal(err)
	}
	settings, flags := release.NewSettings(), genericclioptions.NewConfigFlags(true)
	*flags.KubeConfig = kubeconfigFor(t, dir, namespace(t, client(t), "parallel-"+name))
	e := &embedded{states: map[string]task.State{}}
	connection := action.NewConnection(flags, settings)
	helm, ns, err := connection.Connect(t.Context(), release.NewHelm(settings, io.Discard, io.Discard), action.HelmOptions{Grace: action.DefaultGrace})
	if err != nil {
		t.Fatal(err)
	}
	change := release.NewInstall(helm.Helm)
	options := pflag.NewFlagSet("install", pflag.ContinueOnError)
	change.AddFlags(options)
	if err := options.Parse([]string{"--wait", "--set", "image=" + testImage}); err != nil {
		t.Fatal(err)
	}
	if _, err := change.Name([]string{name, filepath.Join(rootDir, "examples/web")}); err != nil {
		t.Fatal(err)
	}
	request := action.Request{Connection: connection, Present: e.present}
	request.Record.Place = action.RecordCluster
	request.Config = &action.Config{
		Name: "test", Environ: os.Environ(), Directory: func() (string, error) { return dir, nil }, Now: time.Now,
		Log: func(string) {}, OnExit: e.onExit,
	}
	t.Cleanup(e.cleanUp)
	e.install = &action.Operation{Request: request, Helm: helm, Release: plan.Release{Name: name, Namespace: ns}, Change: change.Prepare}
	return e
}

// present shows the run in e.log, and keeps the states of its steps.
func (e *embedded) present(id string, _ plan.Plan) (action.Presentation, error) {
	e.ids = append(e.ids, id)
	text := &report.Text{Log: &e.log, Stdout: &e.log, Stderr: &e.log}
	emit := action.Locked(&e.mu, func(event engine.Event) {
		text.Emit(event)
		if ended, ok := event.(engine.StepEnded); ok {
			e.states[ended.Step.ID] = ended.Result.State
		}
	})
	return action.Presentation{Emit: emit, EmitHook: emit}, nil
}

func (e *embedded) onExit(remove func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.leftovers = append(e.leftovers, remove)
}

func (e *embedded) cleanUp() {
	for _, remove := range e.leftovers {
		remove()
	}
}

// TestParallelActions: two installs run at the same time in one process, on two releases. Each has its own result,
// output and record, whatever becomes of the other.
func TestParallelActions(t *testing.T) {
	t.Parallel()
	meet := t.TempDir()
	good, bad := embed(t, meet, "good", "bad", 0), embed(t, meet, "bad", "good", 3)
	var results [2]*action.Result
	var errs [2]error
	var group errgroup.Group
	for i, e := range []*embedded{good, bad} {
		group.Go(func() error {
			results[i], errs[i] = e.install.Run(t.Context())
			return nil
		})
	}
	_ = group.Wait()
	if errs[0] != nil || errs[1] == nil || !strings.Contains(errs[1].Error(), `task "own-pod"`) {
		t.Fatalf("errors %v and %v\n%s\n%s", errs[0], errs[1], &good.log, &bad.log)
	}
	ended := map[string]task.State{
		"before": task.Succeeded, "helm/apply": task.Succeeded, "meanwhile": task.Succeeded, "helm/ready": task.Succeeded,
		"helm/finish": task.Succeeded, "inside": task.Succeeded, "own-pod": task.Succeeded, "after": task.Succeeded,
	}
	good.check(t, results[0], ended, 0, "bad")
	ended["own-pod"], ended["after"] = task.Failed, task.NotRun
	bad.check(t, results[1], ended, action.ExitFailed, "good")
}

// check compares what a run returned, showed and recorded with what it has to be. Nothing of the other release is in it.
func (e *embedded) check(t *testing.T, result *action.Result, want map[string]task.State, exitCode int, other string) {
	t.Helper()
	name := e.install.Release.Name
	states := map[string]task.State{}
	for _, step := range result.Outcome.Steps {
		states[step.Step.ID] = step.State
	}
	for what, got := range map[string]map[string]task.State{"result": states, "events": e.states} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the states in the %s (-want +got):\n%s", name, what, diff)
		}
	}
	if !slices.Equal(e.ids, []string{result.ID}) || !result.Ran || result.Revision != 1 || result.ExitCode != exitCode {
		t.Errorf("%s: run %s of %q, ran %v, revision %d, exit code %d", name, result.ID, e.ids, result.Ran, result.Revision, result.ExitCode)
	}
	var helm bytes.Buffer
	if err := result.Change.Print(&helm, nil); err != nil {
		t.Error(err)
	}
	shown := e.log.String() + helm.String()
	for _, text := range []string{
		"before " + name + " in " + e.install.Release.Namespace, "meanwhile " + name, "inside " + name, "own pod of " + name, "NAME: " + name,
	} {
		if !strings.Contains(shown, text) {
			t.Errorf("%s: no %q in\n%s", name, text, shown)
		}
	}
	past, err := e.install.Config.Past(e.install.Connection, action.RecordCluster)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := past.List(t.Context(), "", nil)
	if err != nil || len(runs) != 1 {
		t.Fatalf("%s: %d records, error %v", name, len(runs), err)
	}
	run := runs[0].Run
	recorded := map[string]task.State{}
	for _, step := range run.Steps {
		recorded[step.ID] = step.State
	}
	if diff := cmp.Diff(want, recorded); diff != "" || run.ID != result.ID || run.Release != name || run.ExitCode != exitCode {
		t.Errorf("%s: record %s of %s, exit code %d, its states (-want +got):\n%s", name, run.ID, run.Release, run.ExitCode, diff)
	}
	stored, err := past.Get(t.Context(), result.ID)
	if err != nil {
		t.Fatal(err)
	}
	var logs strings.Builder
	for _, step := range run.Steps {
		log, err := stored.Log(step.ID)
		if err != nil {
			t.Errorf("%s: the log of %s: %v", name, step.ID, err)
		}
		logs.Write(log)
	}
	for what, text := range map[string]string{"output": shown, "logs": logs.String()} {
		if !strings.Contains(text, "own pod of "+name) || strings.Contains(text, "of "+other) || strings.Contains(text, "inside "+other) {
			t.Errorf("%s: the %s:\n%s", name, what, text)
		}
	}
}
