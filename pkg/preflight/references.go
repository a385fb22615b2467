package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/release"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Chart is a chart that a plan is going to apply.
type Chart interface {
	// Render returns the objects that are going to be applied.
	Render() ([]*unstructured.Unstructured, error)
	// Files returns the files of the chart.
	Files() []release.File
}

// References returns a RefusedError when a task that runs after Helm refers to a workload, a container or a kind that
// neither the chart nor the cluster has, so that it can only fail. An object among the task's needs is expected to
// exist by then.
func References(ctx context.Context, client *kube.Client, p plan.Plan, chart Chart) error {
	if !slices.ContainsFunc(p.Steps, refersLater) {
		return nil
	}
	// Not the objects that were rendered for the other tasks: a task may change the chart before those are rendered.
	objects, err := chart.Render()
	if err != nil {
		return nil //nolint:nilerr // a task may fetch a dependency; otherwise Helm reports the error
	}
	coming := workload.Preview{Client: client, Namespace: p.Release.Namespace, Objects: objects, PodLabel: task.PodLabel, NewKinds: addsKinds(chart.Files(), p)}
	var lacking []string
	for _, s := range p.Steps {
		if !refersLater(s) {
			continue
		}
		if s.Kind == plan.Object {
			if why := coming.Object(s.Object); why != "" {
				lacking = append(lacking, fmt.Sprintf("a task needs %s: %s", s.Object, why))
			}
			continue
		}
		executor, _ := runner.Of(s.Task.Executor)
		if why := executor.Lacks(ctx, coming, s); why != "" {
			lacking = append(lacking, s.Task.Position.Errorf("task %q cannot run: %s", s.Task.Name, why).Error())
		}
	}
	if len(lacking) > 0 {
		return RefusedError{strings.Join(lacking, "\n") + "\nnothing was changed\nhint: if another client creates the object, add it to needs, such as needs: [deployment/NAME]"}
	}
	return ctx.Err()
}

// refersLater reports whether a step after Helm's first refers to an object.
func refersLater(s plan.Step) bool {
	switch {
	case s.Stage == task.Before:
		return false
	case s.Kind == plan.Object:
		return true
	case s.Task == nil || s.Task.Skip != "":
		return false
	}
	executor, ok := runner.Of(s.Task.Executor)
	return ok && executor.Lacks != nil
}

// addsKinds reports whether the chart's own definitions, or a task before Helm, may add kinds that the cluster does not
// know yet.
func addsKinds(files []release.File, p plan.Plan) bool {
	for _, f := range files {
		if strings.HasPrefix(f.Name, "crds/") || strings.Contains(f.Name, "/crds/") {
			return true
		}
	}
	return slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Stage == task.Before && s.Task != nil && s.Task.Skip == "" })
}
