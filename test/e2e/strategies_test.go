//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// strategy is a workload kind with an update strategy, and what each place of a task has to meet when the release is
// upgraded from version 1 to 2 and 3: the versions in which it ran, in their order, or a part of the message of its failure.
type strategy struct {
	name string
	// target is KIND/w, spec the workload's, without selector and template; {{ .Values.version }} is 1, then 2.
	target, apiVersion, kind, spec string
	// before is exec in all pods before Helm's part; all and one are exec after it.
	before, all, one string
	// current and next are clones before Helm's part, after one after it.
	current, next, after string
	// note is what the wait says of what it leaves; empty when it says nothing.
	note string
	// again is exec in all pods before an upgrade to version 3, whose pods never become ready. That upgrade fails, but
	// where stays says that no pod is replaced by it.
	again string
	stays bool
}

const (
	oneSet = "1 pod is of an older revision; its "
	noExec = "programs run in the pods of a Deployment, StatefulSet, DaemonSet, ReplicaSet, Service or Pod"
)

var strategies = []strategy{
	{
		name: "Deployment RollingUpdate", target: "deployment/w", apiVersion: "apps/v1", kind: "Deployment", spec: "replicas: 2",
		before: "1 1", all: "2 2", one: "2", current: "1", next: "2", after: "2",
		again: "2 2",
	},
	{
		name: "Deployment Recreate", target: "deploy/w", apiVersion: "apps/v1", kind: "Deployment", spec: "strategy: {type: Recreate}",
		before: "1", all: "2", one: "2", current: "1", next: "2", after: "2",
		again: "2",
	},
	{
		name: "Deployment minReadySeconds", target: "deployment/w", apiVersion: "apps/v1", kind: "Deployment", spec: "minReadySeconds: 2",
		before: "1", all: "2", one: "2", current: "1", next: "2", after: "2",
		again: "2",
	},
	{
		name: "Deployment paused", target: "deployment/w", apiVersion: "apps/v1", kind: "Deployment", spec: "paused: {{ ne .Values.version \"1\" }}",
		before: "1", all: "1", one: "1", current: "1", next: "2", after: "2",
		note:  "it is paused: its pods stay as they are until it is resumed",
		again: "1", stays: true,
	},
	{
		name: "Deployment of nothing", target: "deployment/w", apiVersion: "apps/v1", kind: "Deployment", spec: "replicas: 0",
		before: "it is scaled to zero", all: "it is scaled to zero", one: "it is scaled to zero", current: "1", next: "2", after: "2",
		again: "it is scaled to zero", stays: true,
	},
	{
		name: "StatefulSet RollingUpdate", target: "statefulset/w", apiVersion: "apps/v1", kind: "StatefulSet", spec: "replicas: 2",
		before: "1 1", all: "2 2", one: "2", current: "1", next: "2", after: "2",
		again: "2 2",
	},
	{
		name: "StatefulSet minReadySeconds", target: "sts/w", apiVersion: "apps/v1", kind: "StatefulSet", spec: "minReadySeconds: 2",
		before: "1", all: "2", one: "2", current: "1", next: "2", after: "2",
		again: "2",
	},
	{
		name: "StatefulSet partition", target: "statefulset/w", apiVersion: "apps/v1", kind: "StatefulSet",
		spec:   "replicas: 2, updateStrategy: {rollingUpdate: {partition: 1}}",
		before: "1 1", all: "2 1", one: "2", current: "1", next: "2", after: "2", note: oneSet + "partition is 1",
		again: "2 1",
	},
	{
		name: "StatefulSet OnDelete", target: "statefulset/w", apiVersion: "apps/v1", kind: "StatefulSet",
		spec:   "replicas: 1, updateStrategy: {type: OnDelete}",
		before: "1", all: "1", one: "1", current: "1", next: "2", after: "2", note: oneSet + "update strategy OnDelete replaces a pod when it is deleted",
		again: "1", stays: true,
	},
	{
		name: "DaemonSet RollingUpdate", target: "daemonset/w", apiVersion: "apps/v1", kind: "DaemonSet", spec: "minReadySeconds: 0",
		before: "1", all: "2", one: "2", current: "1", next: "2", after: "2",
		again: "2",
	},
	{
		name: "DaemonSet OnDelete", target: "ds/w", apiVersion: "apps/v1", kind: "DaemonSet", spec: "updateStrategy: {type: OnDelete}",
		before: "1", all: "1", one: "1", current: "1", next: "2", after: "2", note: oneSet + "update strategy OnDelete replaces a pod when it is deleted",
		again: "1", stays: true,
	},
	{
		name: "ReplicaSet", target: "replicaset/w", apiVersion: "apps/v1", kind: "ReplicaSet", spec: "replicas: 1",
		before: "1", all: "1", one: "1", current: "1", next: "2", after: "2",
		again: "1", stays: true,
	},
	{
		name: "ReplicationController", target: "rc/w", apiVersion: "v1", kind: "ReplicationController", spec: "replicas: 1",
		before: "1", all: "1", one: "1", current: "1", next: "2", after: "2",
		again: "1", stays: true,
	},
	{
		name: "Job", target: "job/w", apiVersion: "batch/v1", kind: "Job", spec: "backoffLimit: 0",
		before: noExec, current: "1", next: "1", after: "1",
		again: noExec, stays: true,
	},
	{
		name: "CronJob", target: "cronjob/w", apiVersion: "batch/v1", kind: "CronJob", spec: "schedule: '0 0 1 1 *'",
		before: noExec, current: "1", next: "2", after: "2",
		again: noExec, stays: true,
	},
}

// TestStrategies upgrades a release of each kind of workload with each update strategy, with a task at each place.
func TestStrategies(t *testing.T) {
	t.Parallel()
	cluster := client(t)
	for _, s := range strategies {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			ns, dir := namespace(t, cluster, "strategies"), t.TempDir()
			for name, text := range map[string]string{"Chart.yaml": "{apiVersion: v2, name: app, version: 1.0.0}", "templates/w.yaml": s.manifest(), "tasks.yaml": s.tasks()} {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				write(t, filepath.Dir(path), filepath.Base(path), text)
			}
			upgrade := func(command, version, timeout string) (string, int) {
				_, stderr, code := ours(t, command, "app", dir, "-n", ns, "--wait", "--wait-for-jobs", "--timeout="+timeout, "-t", filepath.Join(dir, "tasks.yaml"), "--set-string", "version="+version)
				return stderr, code
			}
			if !s.executes() { // a task that could only fail when Helm has applied is refused before
				write(t, dir, "exec.yaml", tasksHead+strings.ReplaceAll(s.execs(), "post-upgrade", "post-install"))
				_, stderr, code := ours(t, "install", "app", dir, "-n", ns, "-t", filepath.Join(dir, "exec.yaml"), "--set-string", "version=1")
				if code != 4 || strings.Count(stderr, noExec) != 2 || !strings.Contains(stderr, "nothing was changed") {
					t.Errorf("an exec task after the install: exit code %d\n%s", code, stderr)
				}
			}
			if stderr, code := upgrade("install", "1", "60s"); code != 0 {
				t.Fatalf("install: exit code %d\n%s", code, stderr)
			}
			stderr, code := upgrade("upgrade", "2", "60s")
			if code != 0 {
				t.Fatalf("upgrade: exit code %d\n%s", code, stderr)
			}
			for place, want := range map[string]string{"before": s.before, "all": s.all, "one": s.one, "current": s.current, "next": s.next, "after": s.after} {
				sameVersions(t, stderr, place, want)
			}
			var notes []string
			for _, m := range regexp.MustCompile(`(?m)^note: \w+/w: (.*)$`).FindAllStringSubmatch(stderr, -1) {
				notes = append(notes, m[1])
			}
			if got := strings.Join(notes, "\n"); got != s.note {
				t.Errorf("noted %q, want %q", got, s.note)
			}
			if t.Failed() {
				t.Log(stderr)
			}
			stderr, code = upgrade("upgrade", "3", "4s")
			sameVersions(t, stderr, "before", s.again)
			if s.stays != (code == 0) {
				t.Errorf("the upgrade to pods that never become ready: exit code %d\n%s", code, stderr)
			}
		})
	}
}

// sameVersions compares the versions of the pods in which the task of a place ran with those that it should, or the
// message of its failure.
func sameVersions(t *testing.T, output, place, want string) {
	t.Helper()
	got := strings.Join(ranIn(output, place), " ")
	if len(want) > len("1 1") {
		message := regexp.MustCompile(regexp.QuoteMeta(place) + ".*" + regexp.QuoteMeta(want))
		if got != "" || !message.MatchString(output) {
			t.Errorf("%s ran in versions %q, and does not say %q", place, got, want)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s ran in versions (-want +got):\n%s", place, diff)
	}
}

// ranIn returns the versions of the pods in which a task ran.
func ranIn(output, task string) []string {
	var versions []string
	for _, m := range regexp.MustCompile(`\b`+task+` ran in version (\d)`).FindAllStringSubmatch(output, -1) {
		versions = append(versions, m[1])
	}
	return versions
}

// manifest is the workload.
func (s strategy) manifest() string {
	// A Job's template cannot be changed.
	version, restart := "{{ .Values.version }}", "Always"
	command := `[sh, -c, "trap 'exit 0' TERM; sleep 100000 & wait"]`
	if s.kind == "Job" {
		version = "1"
	}
	if strings.HasSuffix(s.kind, "Job") {
		restart, command = "Never", `["true"]`
	}
	probe := `{{ if eq .Values.version "3" }}, readinessProbe: {exec: {command: ["false"]}}{{ end }}`
	if strings.HasSuffix(s.kind, "Job") {
		probe = ""
	}
	template := "{metadata: {labels: {app: w}}, spec: {terminationGracePeriodSeconds: 0, restartPolicy: " + restart +
		", containers: [{name: main, image: 'busybox:test', command: " + command + `, env: [{name: VERSION, value: "` + version + `"}]` + probe + "}]}}"
	spec := s.spec
	switch s.kind {
	case "CronJob":
		spec += ", jobTemplate: {spec: {template: " + template + "}}"
	case "Job":
		spec += ", template: " + template
	case "ReplicationController":
		spec += ", selector: {app: w}, template: " + template
	case "StatefulSet":
		spec += ", serviceName: w, selector: {matchLabels: {app: w}}, template: " + template
	default:
		spec += ", selector: {matchLabels: {app: w}}, template: " + template
	}
	return fmt.Sprintf("{apiVersion: %s, kind: %s, metadata: {name: w}, spec: {%s}}\n", s.apiVersion, s.kind, spec)
}

// executes reports whether a task can run in the workload's pods.
func (s strategy) executes() bool { return s.before != noExec }

const tasksHead = "apiVersion: kubectl-tasks.io/v1alpha1\nkind: Tasks\ntasks:\n"

// taskAt is a task whose failure keeps no other from running.
func taskAt(name, phase, what string) string {
	return fmt.Sprintf("- {name: %[1]s, phase: %[2]s, onFailure: warn, %[3]s shell: \"echo %[1]s ran in version $VERSION\"}}\n", name, phase, what)
}

// execs are the exec tasks after Helm's part.
func (s strategy) execs() string {
	return taskAt("all", "post-upgrade", "exec: {target: "+s.target+", pods: all,") + taskAt("one", "post-upgrade", "exec: {target: "+s.target+",")
}

// tasks are one at each place where they are not refused.
func (s strategy) tasks() string {
	execs := ""
	if s.executes() {
		execs = s.execs()
	}
	return tasksHead +
		taskAt("before", "pre-upgrade", "exec: {target: "+s.target+", pods: all,") +
		taskAt("current", "pre-upgrade", "clone: {from: "+s.target+",") +
		taskAt("next", "pre-upgrade", "clone: {from: "+s.target+", version: next,") +
		execs +
		taskAt("after", "post-upgrade", "clone: {from: "+s.target+",") +
		fmt.Sprintf("- {name: ready, phase: post-upgrade, timeout: 10s, wait: {object: %s}}\n", s.target)
}
