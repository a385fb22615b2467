//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-tasks/kubectl-tasks/test/differential"
)

// foreign carries out a change by another, and returns the reason why the server has refused it, if it has.
func (w *twins) foreign(ctx context.Context, ns string, f differential.Foreign) (string, error) {
	switch f.Verb {
	case differential.Age:
		return "", w.age(ns, f.From, f.To)
	case differential.Pend:
		return "", w.amend(ns, func(newest *release.Release) {
			newest.Info.Status, newest.Info.Description = release.StatusPendingUpgrade, "Preparing upgrade"
		})
	case differential.Edit, differential.Apply, differential.Delete, differential.Create, differential.Own:
	}
	objects := w.dynamic.Resource(kinds[f.Kind]).Namespace(ns)
	metadata := map[string]any{"name": f.Name, "annotations": map[string]any{"part": f.Value, "another": f.Value}}
	change := map[string]any{"metadata": metadata}
	if f.Kind == "ConfigMap" {
		change["data"] = map[string]any{"greeting": f.Value}
	}
	if f.Verb == differential.Own {
		metadata["annotations"] = map[string]any{"meta.helm.sh/release-name": "other", "meta.helm.sh/release-namespace": ns}
		metadata["labels"] = map[string]any{"app.kubernetes.io/managed-by": "Helm"}
	}
	whole := map[string]any{"apiVersion": kinds[f.Kind].GroupVersion().String(), "kind": f.Kind, "metadata": metadata}
	if change["data"] != nil {
		whole["data"] = change["data"]
	}
	switch f.Kind {
	case "Service":
		whole["spec"] = map[string]any{"ports": []any{map[string]any{"port": int64(90)}}}
	case "Deployment":
		labels := map[string]any{"app": "x"}
		whole["spec"] = map[string]any{"replicas": int64(0), "selector": map[string]any{"matchLabels": labels}, "template": map[string]any{
			"metadata": map[string]any{"labels": labels}, "spec": map[string]any{"containers": []any{map[string]any{"name": "main", "image": testImage}}},
		}}
	}
	manager := "another"
	text, err := json.Marshal(change)
	if err != nil {
		return "", err
	}
	switch f.Verb {
	case differential.Delete:
		background := metav1.DeletePropagationBackground
		err = objects.Delete(ctx, f.Name, metav1.DeleteOptions{PropagationPolicy: &background})
	case differential.Apply:
		_, err = objects.Apply(ctx, f.Name, &unstructured.Unstructured{Object: whole}, metav1.ApplyOptions{FieldManager: manager, Force: true})
	case differential.Edit:
		_, err = objects.Patch(ctx, f.Name, types.MergePatchType, text, metav1.PatchOptions{FieldManager: manager})
	case differential.Create, differential.Own:
		_, err = objects.Create(ctx, &unstructured.Unstructured{Object: whole}, metav1.CreateOptions{FieldManager: manager})
		if f.Verb == differential.Own && apierrors.IsAlreadyExists(err) {
			_, err = objects.Patch(ctx, f.Name, types.MergePatchType, text, metav1.PatchOptions{FieldManager: manager})
		}
	case differential.Age, differential.Pend:
	}
	if reason := apierrors.ReasonForError(err); reason != metav1.StatusReasonUnknown {
		return string(reason), nil
	}
	return "", err
}

// history is Helm's own storage of the namespace's releases.
func (w *twins) history(ns string) *storage.Storage {
	return storage.Init(driver.NewSecrets(w.cluster.CoreV1().Secrets(ns)))
}

// age writes revisions into the history, each like the newest except for its value "age". The last has the status of the
// newest, which is deployed no more. Without a release it does nothing.
func (w *twins) age(ns string, from, to int) error {
	all := w.history(ns)
	newest, err := all.Last(differential.Release)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	status := newest.Info.Status
	if status == release.StatusDeployed {
		newest.Info.Status = release.StatusSuperseded
		if err := all.Update(newest); err != nil {
			return err
		}
	}
	for revision := max(from, newest.Version+1); revision <= to; revision++ {
		older, err := all.Get(differential.Release, newest.Version)
		if err != nil {
			return err
		}
		age := fmt.Sprintf("v%d", revision)
		older.Version = revision
		if older.Config == nil {
			older.Config = map[string]any{}
		}
		older.Config["age"] = age
		older.Manifest = strings.ReplaceAll(older.Manifest, differential.Young, age)
		older.Info.Status = release.StatusSuperseded
		if revision == to {
			older.Info.Status = status
		}
		if err := all.Create(older); err != nil {
			return err
		}
	}
	return nil
}

// amend changes the newest revision in the history. Without a release it does nothing.
func (w *twins) amend(ns string, change func(newest *release.Release)) error {
	all := w.history(ns)
	newest, err := all.Last(differential.Release)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	change(newest)
	return all.Update(newest)
}
