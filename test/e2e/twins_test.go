//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	poll "k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/plugin"
	"github.com/kubectl-tasks/kubectl-tasks/test/differential"
)

// twins are two namespaces: the first is helm's, the second ours.
type twins struct {
	cluster kubernetes.Interface
	dynamic dynamic.Interface
	helm    string
	dir     string
	ns      [2]string
	// tally counts the commands by how they ended, and the deliberate differences that were met.
	tally map[string]int
}

func newTwins(t *testing.T, cluster kubernetes.Interface, helm string) *twins {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", required(t, "KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	w := &twins{cluster: cluster, helm: helm, dir: t.TempDir(), tally: map[string]int{}}
	if w.dynamic, err = dynamic.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	w.ns = [2]string{namespace(t, cluster, "twin-helm"), namespace(t, cluster, "twin-ours")}
	for _, ns := range w.ns {
		wait(t, "the namespace has its ServiceAccount", func() bool {
			_, err := cluster.CoreV1().ServiceAccounts(ns).Get(t.Context(), defaultAccount, metav1.GetOptions{})
			return err == nil
		})
	}
	return w
}

// both does something in both namespaces at once.
func (w *twins) both(do func(i int, ns string) error) error {
	var group errgroup.Group
	for i, ns := range w.ns {
		group.Go(func() error { return do(i, ns) })
	}
	return group.Wait()
}

// seenFile is where our own tasks write what they see.
func (w *twins) seenFile() string { return filepath.Join(w.dir, "seen") }

// aroundTasks writes the tasks around our commands: each writes the values that its operation has.
func (w *twins) aroundTasks() error {
	var b strings.Builder
	b.WriteString("apiVersion: kubectl-tasks.io/v1alpha1\nkind: Tasks\ntasks:\n")
	for _, phase := range []string{"pre-deploy", "pre-rollback", "pre-uninstall"} {
		fmt.Fprintf(&b, "- name: sees-%s\n  phase: %s\n  host: {shell: 'echo \"$SEEN\" >> \"$FILE\"', env: [{name: SEEN, value: \"${values}\"}, {name: FILE, value: %q}]}\n", phase, phase, w.seenFile())
	}
	return os.WriteFile(filepath.Join(w.dir, "tasks.yaml"), []byte(b.String()), 0o600)
}

// ended is how a command ended.
type ended struct {
	failed bool
	code   int
	// output is what it wrote, revision the number of the run's revision, seen the values that our tasks saw, as lines.
	output   string
	revision int
	seen     []string
}

func (w *twins) run(ctx context.Context, i int, step differential.Step) ended {
	args := append(step.Args(w.dir), "-n", w.ns[i], "--timeout", "20s")
	if i == 0 {
		out, err := exec.CommandContext(ctx, w.helm, args...).CombinedOutput()
		return ended{failed: err != nil, output: string(out)}
	}
	if !step.Is("test") {
		args = append(args, "--tasks", filepath.Join(w.dir, "tasks.yaml"), "-o", "json")
	}
	var out, errOut bytes.Buffer
	app := plugin.New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
	code := app.Run(ctx, args)
	e := ended{failed: code != 0, code: code, output: errOut.String()}
	if text, err := os.ReadFile(w.seenFile()); err == nil {
		e.seen = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		_ = os.Remove(w.seenFile())
	}
	var result struct{ Run struct{ Revision int } }
	if json.Unmarshal(out.Bytes(), &result) == nil {
		e.revision = result.Run.Revision
	}
	return e
}

// play carries out a sequence and returns the first mismatch; nil when there is none.
func (w *twins) play(ctx context.Context, s differential.Sequence) (*mismatch, error) {
	if err := w.prepare(ctx, s); err != nil {
		return nil, err
	}
	var before clusterState
	for at, step := range s.Steps {
		var m *mismatch
		var err error
		m, before, err = w.take(ctx, step, before)
		if errors.Is(err, errDiverged) {
			return nil, nil
		}
		if err != nil || ctx.Err() != nil {
			return nil, errors.Join(err, ctx.Err())
		}
		if m != nil {
			m.step = at
			return m, nil
		}
	}
	return nil, nil
}

// take takes one step in both namespaces. before is what helm's held before it; it returns what it holds afterwards.
func (w *twins) take(ctx context.Context, step differential.Step, before clusterState) (*mismatch, clusterState, error) {
	if step.Foreign != nil {
		var said [2]string
		err := w.both(func(i int, ns string) (err error) {
			said[i], err = w.foreign(ctx, ns, *step.Foreign)
			return err
		})
		if err != nil {
			return nil, before, err
		}
		if said[0] != said[1] {
			return &mismatch{what: "foreign change", text: said[0] + " | " + said[1]}, before, nil
		}
		return w.same(ctx, [2]ended{}, before)
	}
	if w.skips(step, before) {
		return nil, before, nil
	}
	var ends [2]ended
	_ = w.both(func(i int, _ string) error { ends[i] = w.run(ctx, i, step); return nil })
	said := fmt.Sprintf("helm: %s\nours (%d): %s", ends[0].output, ends[1].code, ends[1].output)
	if ends[0].failed {
		w.tally[step.Command[0]+" fails"]++
	} else {
		w.tally[step.Command[0]+" succeeds"]++
	}
	if ends[0].failed != ends[1].failed {
		return &mismatch{what: "exit code", text: said}, before, nil
	}
	m, after, err := w.same(ctx, ends, before)
	if m == nil && err == nil && ends[1].code == 6 && after.last() != nil && after.last().Info.Status != "deployed" {
		m = &mismatch{what: "exit code", text: "it says that the release was rolled back"}
	}
	if m == nil && err == nil {
		m = sawTheSame(step, ends[1], before, after)
	}
	if m != nil {
		m.text += "\n" + said
	}
	return m, after, err
}

// same waits until both namespaces have the same objects: some end later by themselves.
func (w *twins) same(ctx context.Context, ends [2]ended, before clusterState) (*mismatch, clusterState, error) {
	var now [2]clusterState
	var diff string
	err := poll.PollUntilContextTimeout(ctx, 300*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		err := w.both(func(i int, ns string) (err error) {
			now[i], err = stateOf(ctx, w.cluster, ns)
			return err
		})
		if err != nil {
			return false, err
		}
		if diff = cmp.Diff(now[0].objects, now[1].objects); diff == "" {
			return true, nil
		}
		return false, w.align(ctx, ends, before, now)
	})
	if poll.Interrupted(err) && diff != "" {
		return &mismatch{what: "state", text: "(-helm +ours)\n" + diff}, now[0], nil
	}
	return nil, now[0], err
}

// sawTheSame compares what our task saw with what helm deployed: the values that its templates saw, and the revision's
// number.
func sawTheSame(step differential.Step, end ended, before, after clusterState) *mismatch {
	var revision int
	switch last := before.last(); {
	case step.Is("test"):
		return nil
	case step.Is("uninstall"):
		after = before
		if last != nil {
			revision = last.Version
		}
	case last != nil:
		revision = last.Version + 1
	default:
		revision = 1
	}
	stored := after.revision(revision)
	if stored == nil || step.Is("uninstall") && stored.Info.Status == "uninstalled" {
		return nil // helm did not come so far
	}
	if end.revision != revision {
		return &mismatch{what: "revision", text: fmt.Sprintf("it is %d, not %d", end.revision, revision)}
	}
	if len(end.seen) != 1 {
		return &mismatch{what: "tasks", text: fmt.Sprintf("%d tasks have run", len(end.seen))}
	}
	want, err := templatesSaw(stored.Manifest)
	if err != nil {
		return &mismatch{what: "values", text: err.Error()}
	}
	var got any
	if err := json.Unmarshal([]byte(end.seen[0]), &got); err != nil {
		return &mismatch{what: "values", text: fmt.Sprintf("%s: %v", end.seen[0], err)}
	}
	if !step.Is("install") && !step.Is("upgrade") && hasNull(stored.Config) {
		return nil // an upgrade that reused them has written its own nulls into them, as Helm does
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return &mismatch{what: "values", text: "(-templates +task)\n" + diff}
	}
	return nil
}

// hasNull reports whether values have a null somewhere.
func hasNull(values map[string]any) bool {
	for _, v := range values {
		if below, ok := v.(map[string]any); v == nil || ok && hasNull(below) {
			return true
		}
	}
	return false
}

// templatesSaw returns the values in the manifest of a revision.
func templatesSaw(manifest string) (any, error) {
	for document := range strings.SplitSeq(manifest, "\n---\n") {
		var object struct {
			Metadata struct{ Name string }
			Data     map[string]string
		}
		if err := yaml.Unmarshal([]byte(document), &object); err != nil || object.Metadata.Name != differential.SeenName {
			continue
		}
		var values any
		err := json.Unmarshal([]byte(object.Data["values"]), &values)
		return values, err
	}
	return nil, errors.New("the manifest has no values")
}

// prepare empties both namespaces and writes the files of the sequence.
func (w *twins) prepare(ctx context.Context, s differential.Sequence) error {
	if err := os.RemoveAll(w.dir); err != nil {
		return err
	}
	if err := s.Write(w.dir); err != nil {
		return err
	}
	if err := w.aroundTasks(); err != nil {
		return err
	}
	return w.both(func(_ int, ns string) error { return w.empty(ctx, ns) })
}

// kinds are those of the objects that the sequences make.
var kinds = map[string]schema.GroupVersionResource{
	"Pod":            {Version: "v1", Resource: "pods"},
	"ConfigMap":      {Version: "v1", Resource: "configmaps"},
	"Secret":         {Version: "v1", Resource: "secrets"},
	"ServiceAccount": {Version: "v1", Resource: "serviceaccounts"},
	"Service":        {Version: "v1", Resource: "services"},
	"Job":            {Group: "batch", Version: "v1", Resource: "jobs"},
	"Role":           {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
	"Deployment":     {Group: "apps", Version: "v1", Resource: "deployments"},
	"Lease":          {Group: "coordination.k8s.io", Version: "v1", Resource: "leases"},
}

// empty deletes all objects of a namespace, and returns when they no longer exist.
func (w *twins) empty(ctx context.Context, ns string) error {
	return poll.PollUntilContextTimeout(ctx, 200*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		s, err := stateOf(ctx, w.cluster, ns)
		if err != nil || s.count == 0 {
			return s.count == 0, err
		}
		background := metav1.DeletePropagationBackground
		now := int64(0)
		for _, resource := range kinds {
			list := metav1.ListOptions{}
			switch resource.Resource {
			case "configmaps":
				list.FieldSelector = "metadata.name!=" + rootCertificates
			case "serviceaccounts":
				list.FieldSelector = "metadata.name!=" + defaultAccount
			}
			err := w.dynamic.Resource(resource).Namespace(ns).DeleteCollection(ctx, metav1.DeleteOptions{PropagationPolicy: &background, GracePeriodSeconds: &now}, list)
			if err != nil && !meta.IsNoMatchError(err) {
				return false, err
			}
		}
		return false, nil
	})
}
