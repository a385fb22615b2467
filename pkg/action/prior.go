package action

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/format"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/ledger"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/record"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// prior reads and writes the ledger of the release, which passes facts from earlier runs to later ones.
type prior struct {
	store  ledger.Store
	client *kube.Client
	// rendered returns the objects that the run will apply; nil if it applies none.
	rendered func() ([]*unstructured.Unstructured, error)
}

// remembers reports whether one of the tasks needs the ledger.
func remembers(tasks []task.Task) bool {
	return slices.ContainsFunc(tasks, func(t task.Task) bool { return t.Undo != nil || t.Once != "" || t.Changed != nil })
}

// skipDone marks the tasks that need not run again.
func (m prior) skipDone(ctx context.Context, tasks []task.Task) error {
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
			t.Skip = fmt.Sprintf("already done for %q, at %s", t.Once, when)
		case t.Changed != nil:
			digest, err := m.digest(ctx, *t)
			if err != nil {
				return &release.PreflightError{Err: err}
			}
			if digest == proof.Digest {
				t.Skip = "its inputs have not changed since it succeeded, at " + when
			}
		}
	}
	return nil
}

// digest returns a digest of the inputs of a task, with the images of workloads as they will be applied or, if nothing will
// be applied, as they are in the cluster.
func (m prior) digest(ctx context.Context, t task.Task) (string, error) {
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

// template returns the pod template of a workload as it will be applied or, otherwise, as it is in the cluster.
func (m prior) template(ctx context.Context, target string) (*workload.Template, error) {
	find := workload.Finder{Client: m.client}
	if m.rendered != nil {
		objects, err := m.rendered()
		if err != nil {
			return nil, err
		}
		if template, err := find.PodTemplateIn(objects, m.store.Namespace, target); err == nil {
			return template, nil
		}
	}
	return find.PodTemplate(ctx, m.store.Namespace, target)
}

// documents returns the documents of the ledger. They are not trusted: other users may be able to write the ledger.
func (m prior) documents(ctx context.Context) ([]format.Document, error) {
	known, err := m.store.Load(ctx)
	switch {
	case apierrors.IsForbidden(err):
		return nil, nil // a user without the right to read the ledger has not written it
	case err != nil:
		return nil, err
	}
	var documents []format.Document
	for _, d := range known.Documents {
		text, err := d.Content()
		if err != nil {
			return nil, fmt.Errorf("the ledger of release %q: %s: %w", m.store.Release, d.Name, err)
		}
		documents = append(documents, format.Document{Source: task.Source{Name: "record/" + d.Name, Format: d.Format}, Text: text})
	}
	return documents, nil
}

// keep returns the documents that a later rollback or uninstall needs: files of the user with tasks for these. Documents of
// ConfigMaps and of the chart are already in the cluster. It returns an error if the documents do not fit into the ledger.
func keep(set taskSet) ([]record.Document, error) {
	return packed(set, func(d format.Document) bool {
		return d.Trusted && slices.ContainsFunc(set.Tasks, func(t task.Task) bool {
			return t.Source.Name == d.Name && (t.Phase.In(task.Uninstall) != task.None || t.Phase.In(task.Rollback) != task.None) && t.Phase != task.OnFailure && t.Phase != task.Finally
		})
	})
}

// packed returns the wanted documents in the form of the ledger.
func packed(set taskSet, wanted func(format.Document) bool) ([]record.Document, error) {
	var kept []record.Document
	var names []string
	for _, d := range set.Documents {
		if wanted(d) {
			kept = append(kept, record.NewDocument(d.Name, d.Format, d.Text))
			names = append(names, d.Name)
		}
	}
	if size := record.PackedSize(kept); size > record.MaxDocuments {
		return nil, RefusedError{Message: shown("%s: packed, the tasks for a later uninstall or rollback take %d KiB in the ledger of the release, which has room for %d KiB", strings.Join(names, ", "), (size+1023)>>10, record.MaxDocuments>>10) +
			"\nhint: move these tasks to a document of their own, or long scripts to files or ConfigMaps that the tasks name"}
	}
	return kept, nil
}

// ledger returns the journal that writes this run to the ledger.
func (m prior) ledger(run string, revision int, documents []record.Document) engine.Journal {
	return ledger.Journal{Store: m.store, Run: run, Revision: revision, Documents: documents, Digest: func(t task.Task) (string, error) {
		return m.digest(context.Background(), t)
	}}
}

// done returns the undos of tasks that succeeded for later revisions, the entries of tasks whose result is unknown, and
// the undos that did not fit into the ledger.
func (m prior) done(ctx context.Context, revision int) (done []plan.RecordedUndo, started []ledger.Entry, dropped ledger.Dropped, err error) {
	known, err := m.store.Load(ctx)
	if err != nil {
		return nil, nil, ledger.Dropped{}, err
	}
	for _, d := range known.Since(revision) {
		if !d.Succeeded {
			started = append(started, d)
			continue
		}
		undo, err := d.UndoTask("record", runner.TypeOf)
		if err != nil {
			return nil, nil, ledger.Dropped{}, err
		}
		done = append(done, plan.RecordedUndo{Entry: d.ID, Revision: d.Revision, Undo: undo})
	}
	return done, started, known.Dropped, nil
}

// left returns the undos that run before Helm's rollback, and logs tasks that cannot be undone.
func (m prior) left(ctx context.Context, c *Config, target int) ([]plan.RecordedUndo, error) {
	done, started, dropped, err := m.done(ctx, target)
	if err != nil {
		return nil, &release.PreflightError{Err: fmt.Errorf("%w\nhint: without the ledger, the undos of later revisions are unknown; 'helm rollback' runs no undos", err)}
	}
	if dropped.Revision > target {
		undos := "undos"
		if dropped.Count == 1 {
			undos = "undo"
		}
		c.note(fmt.Sprintf("the ledger had no room for %d %s of revisions up to %d, which will not run", dropped.Count, undos, dropped.Revision))
	}
	for _, d := range started {
		c.say("note: task %q was started for revision %d at %s, and its result is unknown: it is not undone", d.Task, d.Revision, d.Time.Format(time.RFC3339))
	}
	return done, nil
}
