package action

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/format/keptn"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	checks "github.com/kubectl-tasks/kubectl-tasks/pkg/preflight"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	source "github.com/kubectl-tasks/kubectl-tasks/pkg/source/keptn"
)

// excludeKeptn excludes from a chart the objects of Keptn that the cluster has no CRDs for. It reports whether the chart's
// workloads can ask for tasks.
func (o *Operation) excludeKeptn(ctx context.Context, client *kube.Client, change release.Change, namespace string) (bool, error) {
	wires, err := source.Cluster{Client: client, Namespace: namespace}.Prepare(ctx, change, change.Facts().Operation, o.Keptn.Mode)
	if err != nil {
		return false, preflight(ctx, err)
	}
	return wires, nil
}

// wireKeptn adds the tasks that the workloads of a chart ask for.
func (o *Operation) wireKeptn(ctx context.Context, found *taskSet, client *kube.Client, change release.Change, rendered func() ([]*unstructured.Unstructured, error), rel plan.Release) error {
	objects, err := rendered()
	if err != nil {
		return UsageError{err}
	}
	wired, notes, err := source.Cluster{Client: client, Namespace: rel.Namespace}.Wire(ctx, change, objects, found.Documents, keptn.Wiring{
		Options:   keptn.Options{Namespace: rel.Namespace, Release: rel.Name, Images: o.Read.Images},
		Promotion: o.Keptn.Promotion, NonBlocking: o.Keptn.NonBlocking, SkipEvaluations: o.Keptn.SkipEvaluations, OncePerVersion: o.Keptn.OncePerVersion,
		TraceParent: source.TraceParent(o.Config.getenv),
	})
	for _, note := range notes {
		o.Config.note(note)
	}
	if err != nil {
		return preflight(ctx, err)
	}
	found.Diagnostics = append(found.Diagnostics, wired.Diagnostics...)
	found.Documents = append(found.Documents, wired.Documents...)
	found.Tasks = append(found.Tasks, wired.Tasks...)
	return wired.Diagnostics.Err()
}

// checkKeptn refuses tasks of Keptn whose Secrets and ConfigMaps the namespace does not have and Helm is not going to
// apply. A chart that cannot be rendered is a UsageError.
func (p *process) checkKeptn(ctx context.Context) error {
	rendered := p.rendered
	if rendered != nil {
		rendered = func() ([]*unstructured.Unstructured, error) {
			objects, err := p.rendered()
			if err != nil {
				err = UsageError{err}
			}
			return objects, err
		}
	}
	if err := checks.Keptn(ctx, p.steps.Client, p.steps.Release.Namespace, p.plan.Tasks(), rendered); err != nil {
		return preflight(ctx, err)
	}
	return nil
}
