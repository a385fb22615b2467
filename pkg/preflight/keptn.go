package preflight

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Keptn returns a *release.PreflightError when tasks of Keptn refer to Secrets or ConfigMaps that neither the
// namespace nor the rendered chart has. rendered may be nil; its error is returned unchanged. Any other error is one
// of the client's configuration.
func Keptn(ctx context.Context, client *kube.Client, namespace string, tasks []task.Task, rendered func() ([]*unstructured.Unstructured, error)) error {
	var lacking []error
	for _, t := range tasks {
		k, ok := t.Executor.(task.Keptn)
		if !ok || t.Skip != "" {
			continue
		}
		api, err := client.Interface()
		if err != nil {
			return err
		}
		var coming []*unstructured.Unstructured
		if rendered != nil {
			if coming, err = rendered(); err != nil {
				return err
			}
		}
		lacking = append(lacking, keptn.Check(ctx, api, namespace, k, coming))
	}
	if err := errors.Join(lacking...); err != nil {
		return &release.PreflightError{Err: err}
	}
	return nil
}
