package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// TestEncode: every executor is decoded as it was, except for its trust.
func TestEncode(t *testing.T) {
	seconds := int64(3)
	command := task.Command{Argv: []string{"a", "b c"}, Text: "a b"}
	spec := corev1.PodSpec{TerminationGracePeriodSeconds: &seconds, Containers: []corev1.Container{{Name: "c", Image: "i"}}}
	for _, e := range []task.Executor{
		task.Host{Command: command, Env: []string{"A=b"}, Dir: "d"},
		task.Exec{Command: command, Target: "deployment/web", Pods: "30%", Scale: true},
		task.Pod{Spec: spec, Main: "c", Adapt: true, Labels: map[string]string{"a": "b"}},
		task.Job{Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: spec}}},
		task.Function{Runtime: task.Deno, Code: "x", Parameters: map[string]string{"a": "b"}},
		task.Clone{Command: command, From: "deployment/web", Env: []corev1.EnvVar{{Name: "A", Value: "b"}}, Next: true},
		task.Wait{Object: "pod/x", For: "deleted"},
		task.Approve{Message: "?"},
	} {
		policy := task.Policy{Timeout: time.Minute, Retries: 2, OnFailure: task.Warn}
		text, err := encodeTask(task.Task{Name: "t", Executor: e, Policy: policy, Source: task.Source{Trusted: true}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Entry{Task: "t", Undo: text}.UndoTask("record", func(string) (task.Executor, bool) { return e, true })
		want := task.Task{Name: "t", Executor: e, Policy: policy, Position: task.Position{File: "record"}, Source: task.Source{Name: "record", Format: "record"}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: error %v (-want +got):\n%s", e.Kind(), err, diff)
		}
	}
	known := func(kind string) (task.Executor, bool) { return task.Host{}, kind == "host" }
	for text, want := range map[string]string{
		"x": "invalid character", `{"kind": "rocket"}`: `has the executor "rocket", which this version does not support`, `{"kind": "host", "executor": 1}`: "cannot unmarshal",
	} {
		if _, err := (Entry{Task: "t", Undo: json.RawMessage(text)}).UndoTask("record", known); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", text, err)
		}
	}
}

func store() (Store, *fake.Clientset) {
	client := fake.NewClientset()
	return Store{Client: func() (kubernetes.Interface, error) { return client, nil }, Namespace: "ns", Release: "web"}, client
}

func before(j Journal, s plan.Step) error {
	return j.Before(context.Background(), engine.Attempt{Step: s, Number: 1})
}

func undoable(name string) *task.Task {
	undo := task.Task{Name: name, Executor: task.Host{Command: task.Command{Argv: []string{"undo", name}}}}
	return &task.Task{Name: name, Undo: &undo}
}

// TestLedger: the ledger has each task with an undo before it starts, and its result after. It has no tasks that
// failed, or that were undone.
func TestLedger(t *testing.T) {
	s, _ := store()
	ctx := context.Background()
	j := Journal{Store: s, Run: "r1", Revision: 2, Digest: func(task.Task) (string, error) { return "sum", nil }, Now: func() time.Time { return time.Unix(0, 0) }}
	states := func() string {
		ledger, err := s.Load(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, d := range ledger.Since(0) {
			all = append(all, fmt.Sprintf("%s@%d %v", d.ID, d.Revision, d.Succeeded))
		}
		for name, p := range ledger.Proofs {
			all = append(all, fmt.Sprintf("%s=%s%s", name, p.Key, p.Digest))
		}
		return strings.Join(all, ", ")
	}
	step := func(t *task.Task) plan.Step { return plan.Step{ID: t.Name, Kind: plan.Task, Task: t} }
	ended := func(p plan.Step, state task.State) engine.StepResult {
		return engine.StepResult{Step: p, Result: task.Result{State: state}}
	}
	a, b, c := step(undoable("a")), step(undoable("b")), step(undoable("c"))
	undoA := plan.Step{ID: "undo/a", Kind: plan.Task, Task: a.Task.Undo, Undoes: "a"}
	recorded := plan.Step{ID: "undo/2/c", Kind: plan.Task, Task: a.Task.Undo, Recorded: "r1/c"}
	once, changed := step(&task.Task{Name: "once", Once: "k"}), step(&task.Task{Name: "changed", Changed: &task.Fingerprint{}})
	plainTask, helm := step(&task.Task{Name: "plain"}), plan.Step{Kind: plan.Apply}
	for _, tt := range []struct {
		name string
		do   func() error
		want string
	}{
		{"what needs no record", func() error {
			return errors.Join(before(j, plainTask), j.After(ended(plainTask, task.Succeeded)), before(j, helm), j.After(ended(helm, task.Succeeded)))
		}, ""},
		{"before", func() error { return before(j, a) }, "r1/a@2 false"},
		{"after", func() error { return j.After(ended(a, task.Succeeded)) }, "r1/a@2 true"},
		{"failed", func() error { return errors.Join(before(j, b), j.After(ended(b, task.Failed))) }, "r1/a@2 true"},
		{"stopped", func() error { return errors.Join(before(j, b), j.After(ended(b, task.Cancelled))) }, "r1/a@2 true"},
		{"unknown", func() error { return errors.Join(before(j, b), j.After(ended(b, task.Unknown))) }, "r1/b@2 false, r1/a@2 true"},
		{"an undo that failed", func() error { return errors.Join(before(j, undoA), j.After(ended(undoA, task.Failed))) }, "r1/b@2 false, r1/a@2 true"},
		{"undone", func() error { return j.After(ended(undoA, task.Succeeded)) }, "r1/b@2 false"},
		{"another", func() error { return errors.Join(before(j, c), j.After(ended(c, task.Succeeded))) }, "r1/c@2 true, r1/b@2 false"},
		{"undone by a rollback", func() error { return j.After(ended(recorded, task.Succeeded)) }, "r1/b@2 false"},
		{"once", func() error { return j.After(ended(once, task.Succeeded)) }, "r1/b@2 false, once=k"},
		{"what failed is no proof", func() error { return j.After(ended(changed, task.Failed)) }, "r1/b@2 false, once=k"},
	} {
		if err := tt.do(); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := states(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if err := j.After(ended(changed, task.Succeeded)); err != nil {
		t.Fatal(err)
	}
	if r, _ := s.Load(ctx); r.Proofs["changed"].Digest != "sum" {
		t.Errorf("%+v", r.Proofs)
	}
	if r, _ := s.Load(ctx); len(r.Since(2)) != 0 || len(r.Since(1)) != 1 {
		t.Errorf("since revision 2: %v", r.Since(2))
	}
	if err := errors.Join(s.Delete(ctx), s.Delete(ctx)); err != nil {
		t.Error(err)
	}
}

// TestEmpty: an empty ledger is not created, and one that has become empty is deleted.
func TestEmpty(t *testing.T) {
	s, client := store()
	ctx := context.Background()
	exists := func() bool {
		_, err := client.CoreV1().Secrets("ns").Get(ctx, s.Name(), metav1.GetOptions{})
		return err == nil
	}
	j := Journal{Store: s, Run: "r1"}
	a := plan.Step{ID: "a", Kind: plan.Task, Task: undoable("a")}
	apply := engine.StepResult{Step: plan.Step{Kind: plan.Apply}, Result: task.Result{State: task.Succeeded}}
	if err := j.After(apply); err != nil || exists() {
		t.Errorf("made: %v, error %v", exists(), err)
	}
	if err := before(j, a); err != nil || !exists() {
		t.Errorf("made: %v, error %v", exists(), err)
	}
	failed := engine.StepResult{Step: a, Result: task.Result{State: task.Failed}}
	if err := j.After(failed); err != nil || exists() {
		t.Errorf("stays: %v, error %v", exists(), err)
	}
}

// TestConflict: when another run writes at the same time, no entry is lost.
func TestConflict(t *testing.T) {
	s, client := store()
	ctx := context.Background()
	add := func(id string) error {
		return s.update(ctx, func(r *Ledger) error {
			r.Entries = append(r.Entries, Entry{ID: id})
			return nil
		})
	}
	other := false
	client.PrependReactor("*", "secrets", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if verb := action.GetVerb(); (verb == "create" || verb == "update") && !other {
			other = true
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "kubectl-tasks.web", Namespace: "ns", Labels: map[string]string{record.ReleaseLabel: "web"}}, Type: secretType}
			secret.Data = map[string][]byte{key: []byte(`{"done": [{"id": "other"}]}`)}
			if err := client.Tracker().Create(corev1.SchemeGroupVersion.WithResource("secrets"), secret, "ns"); err != nil {
				t.Error(err)
			}
			return true, nil, apierrors.NewConflict(corev1.Resource("secrets"), "x", errors.New("changed"))
		}
		return false, nil, nil
	})
	if err := add("mine"); err != nil {
		t.Fatal(err)
	}
	r, err := s.Load(ctx)
	if err != nil || len(r.Entries) != 2 || r.Entries[0].ID != "other" || r.Entries[1].ID != "mine" {
		t.Errorf("%+v, error %v", r, err)
	}
	secret, err := client.CoreV1().Secrets("ns").Get(ctx, "kubectl-tasks.web", metav1.GetOptions{})
	if err != nil || len(secret.Data) != 1 {
		t.Errorf("%+v, error %v", secret, err)
	}
}

// TestLife: the ledger of a release is empty for another release of the same name, but not for the release that is
// created next.
func TestLife(t *testing.T) {
	s, _ := store()
	ctx := context.Background()
	life := ""
	s.FirstDeployed = func() string { return life }
	j := Journal{Store: s, Run: "r1", Documents: []record.Document{{Name: "d"}}}
	apply := engine.StepResult{Step: plan.Step{Kind: plan.Apply}, Result: task.Result{State: task.Succeeded}}
	count := func() string {
		r, err := s.Load(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d done, %d documents", len(r.Entries), len(r.Documents))
	}
	a := plan.Step{ID: "a", Kind: plan.Task, Task: undoable("a")}
	if err := before(j, a); err != nil || count() != "1 done, 0 documents" {
		t.Errorf("%s, error %v", count(), err)
	}
	life = "first"
	if err := j.After(apply); err != nil || count() != "1 done, 1 documents" {
		t.Errorf("%s, error %v", count(), err)
	}
	for _, life = range []string{"", "second"} {
		if count() != "0 done, 0 documents" {
			t.Errorf("life %q: %s", life, count())
		}
	}
	if err := before(j, a); err != nil || count() != "1 done, 0 documents" {
		t.Errorf("%s, error %v", count(), err)
	}
}

func TestSize(t *testing.T) {
	r := &Ledger{Proofs: map[string]Proof{"p": {Key: "k"}}}
	for i := range 100 {
		r.Entries = append(r.Entries, Entry{ID: fmt.Sprint(i), Undo: json.RawMessage(`"` + strings.Repeat("x", 10<<10) + `"`)})
	}
	text, err := r.encoded()
	if err != nil || len(text) > maxBytes || len(r.Entries) < 40 || r.Entries[len(r.Entries)-1].ID != "99" || len(r.Proofs) != 1 {
		t.Errorf("%d bytes, %d entries, error %v", len(text), len(r.Entries), err)
	}
}
