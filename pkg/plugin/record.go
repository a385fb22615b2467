package plugin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// memory is what a run knows of earlier ones, and tells later ones.
type memory struct {
	store  record.Store
	client *kube.Client
	// next returns the objects that are going to be applied; nil when there are none.
	next func() ([]*unstructured.Unstructured, error)
}

// remembers reports whether one of the tasks needs the record.
func remembers(tasks []task.Task) bool {
	return slices.ContainsFunc(tasks, func(t task.Task) bool { return t.Undo != nil || t.Once != "" || t.Changed != nil })
}

// skipDone marks the tasks that need not run again.
func (m memory) skipDone(ctx context.Context, tasks []task.Task) error {
	if !slices.ContainsFunc(tasks, func(t task.Task) bool { return t.Once != "" || t.Changed != nil }) {
		return nil
	}
	known, err := m.store.Load(ctx)
	if err != nil {
		return &release.PreflightError{Err: err}
	}
	for i := range tasks {
		t := &tasks[i]
		proof, has := known.Proofs[t.Name]
		if !has || t.Skip != "" {
			continue
		}
		when := proof.Time.Format(time.RFC3339)
		switch {
		case t.Once != "" && proof.Key == t.Once:
			t.Skip = fmt.Sprintf("done once for %q, at %s", t.Once, when)
		case t.Changed != nil:
			digest, err := m.digest(ctx, *t)
			if err != nil {
				return &release.PreflightError{Err: err}
			}
			if digest == proof.Digest {
				t.Skip = "nothing that it depends on has changed since it succeeded, at " + when
			}
		}
	}
	return nil
}

// digest sums up what a task depends on, with the images of workloads as they will be or, when nothing
// is going to be applied, as they are.
func (m memory) digest(ctx context.Context, t task.Task) (string, error) {
	if len(t.Changed.Images) == 0 {
		return t.Changed.Digest, nil
	}
	sum := sha256.New()
	fmt.Fprintln(sum, t.Changed.Digest)
	for _, workload := range t.Changed.Images {
		template, err := m.template(ctx, workload)
		if err != nil {
			return "", fmt.Errorf("%s: fingerprint of task %q: %w", t.Position, t.Name, err)
		}
		for _, c := range slices.Concat(template.Spec.InitContainers, template.Spec.Containers) {
			fmt.Fprintf(sum, "%s %s %s\n", workload, c.Name, c.Image)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (m memory) template(ctx context.Context, workload string) (*kube.Template, error) {
	if m.next != nil {
		objects, err := m.next()
		if err != nil {
			return nil, err
		}
		if template, err := m.client.PodTemplateIn(objects, m.store.Namespace, workload); err == nil {
			return template, nil
		}
	}
	return m.client.PodTemplate(ctx, m.store.Namespace, workload)
}

// documents returns those of the record. They are no more trusted than what anybody may write there.
func (m memory) documents(ctx context.Context) ([]source.Document, error) {
	known, err := m.store.Load(ctx)
	switch {
	case apierrors.IsForbidden(err):
		return nil, nil // who may not see it has not written it either
	case err != nil:
		return nil, err
	}
	var documents []source.Document
	for _, d := range known.Documents {
		documents = append(documents, source.Document{Source: task.Source{Name: "record/" + d.Name, Format: d.Format}, Text: d.Text})
	}
	return documents, nil
}

// maxKept is how much text of documents is kept in the record.
const maxKept = 128 << 10

// keep returns the documents that a rollback or an uninstall will ask for: files of the user with tasks
// for these. What the cluster has anyway, in ConfigMaps or in the chart, is not kept twice.
func keep(set taskSet) []record.Document {
	var kept []record.Document
	size := 0
	for _, d := range set.documents {
		later := func(t task.Task) bool {
			return t.Source.Name == d.Name && (t.Phase.In(task.Uninstall) != task.None || t.Phase.In(task.Rollback) != task.None) && t.Phase != task.OnFailure && t.Phase != task.Finally
		}
		if size += len(d.Text); d.Trusted && size <= maxKept && slices.ContainsFunc(set.tasks, later) {
			kept = append(kept, record.Document{Name: d.Name, Format: d.Format, Text: d.Text})
		}
	}
	return kept
}

// documentsOf returns the documents that tasks were read from, as far as there is room for them.
func documentsOf(set taskSet) []record.Document {
	var kept []record.Document
	size := 0
	for _, d := range set.documents {
		if size += len(d.Text); size <= maxKept {
			kept = append(kept, record.Document{Name: d.Name, Format: d.Format, Text: d.Text})
		}
	}
	return kept
}

// ledger writes what later runs must know of this one into the record.
func (m memory) ledger(run string, revision int, documents []record.Document) engine.Journal {
	return record.Ledger{Store: m.store, Run: run, Revision: revision, Documents: documents, Digest: func(t task.Task) (string, error) {
		return m.digest(context.Background(), t)
	}}
}

// done returns what was done for the revisions after that one, with how it is taken back, and what is
// known only to have been started.
func (m memory) done(ctx context.Context, revision int) (done []plan.Done, started []record.Done, err error) {
	known, err := m.store.Load(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range known.Since(revision) {
		if !d.Ended {
			started = append(started, d)
			continue
		}
		undo, err := d.UndoTask("record")
		if err != nil {
			return nil, nil, err
		}
		done = append(done, plan.Done{Entry: d.ID, Revision: d.Revision, Undo: undo})
	}
	return done, started, nil
}

// left returns what a rollback takes back before Helm's, and says what it cannot.
func (a *App) left(ctx context.Context, m memory, change *release.Rollback) ([]plan.Done, error) {
	done, started, err := m.done(ctx, change.Target())
	if err != nil {
		return nil, &release.PreflightError{Err: fmt.Errorf("%w\nhint: without it nobody knows what the tasks of the revisions that are left did; 'helm rollback' does not ask", err)}
	}
	for _, d := range started {
		a.say("note: task %q was started for revision %d at %s, and nobody saw its end: it is not taken back", d.Task, d.Revision, d.Time.Format(time.RFC3339))
	}
	return done, nil
}
