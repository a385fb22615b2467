package plugin

import (
	"context"
	"errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	runner "github.com/kubectl-tasks/kubectl-tasks/pkg/runner/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/source"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

func parseKeptn(d source.Document, o parseOptions) ([]task.Task, task.Diagnostics) {
	return keptn.Parse(d.Text, keptn.Options{
		Source: d.Source, Namespace: o.facts.Namespace, Release: o.facts.Release, Images: o.images, Looking: o.lenient, Others: o.keptn,
	})
}

// checkKeptn refuses tasks of Keptn whose Secrets and ConfigMaps the namespace has not.
func checkKeptn(ctx context.Context, client *kube.Client, namespace string, tasks []task.Task) error {
	var problems []error
	for _, t := range tasks {
		k, ok := t.Executor.(task.Keptn)
		if !ok || t.Skip != "" {
			continue
		}
		api, err := client.Interface()
		if err != nil {
			return preflight(ctx, err)
		}
		problems = append(problems, runner.Check(ctx, api, namespace, k))
	}
	if err := errors.Join(problems...); err != nil {
		return &release.PreflightError{Err: err}
	}
	return nil
}
