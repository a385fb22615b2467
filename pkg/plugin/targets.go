package plugin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// reachable refuses a deployment with a task that can only fail when Helm has applied: because of a workload, a
// container or a kind that neither the chart nor the cluster has. What a need names is going to be there.
func (a *App) reachable(ctx context.Context, o *operation) error {
	later := func(s plan.Step) bool {
		return s.Stage != task.Before && (s.Kind == plan.Object || s.Task != nil && s.Task.Skip == "" && reaches(s.Task.Executor))
	}
	if !o.deploys() || a.resuming != nil || !slices.ContainsFunc(o.plan.Steps, later) {
		return nil
	}
	// Rendered for itself: a task may change the chart before it is rendered for the others.
	objects, err := o.release.Render()
	if err != nil {
		return nil //nolint:nilerr // a task may fetch what it takes; else Helm says what is wrong
	}
	coming := kube.Coming{Client: o.past.client, Namespace: o.plan.Release.Namespace, Objects: objects, Kinds: o.bringsKinds()}
	var lacking []string
	for _, s := range o.plan.Steps {
		if !later(s) {
			continue
		}
		if s.Kind == plan.Object {
			if why := coming.Object(s.Object); why != "" {
				lacking = append(lacking, fmt.Sprintf("a task needs %s: %s", s.Object, why))
			}
			continue
		}
		if why := lacks(ctx, coming, s); why != "" {
			lacking = append(lacking, s.Task.Position.Errorf("task %q could not run: %s", s.Task.Name, why).Error())
		}
	}
	if len(lacking) > 0 {
		return refusedError{strings.Join(lacking, "\n") + "\nnothing was touched\nhint: for what something else is going to make, write a need, such as needs: [deployment/NAME]"}
	}
	return ctx.Err()
}

// reaches reports whether a task runs in, or waits for, something that must be there.
func reaches(e task.Executor) bool {
	switch e.(type) {
	case task.Exec, task.Clone, task.Service, task.Wait:
		return true
	}
	return false
}

// lacks returns what a step is going to lack; "" when that is nothing, or is not known yet.
func lacks(ctx context.Context, coming kube.Coming, s plan.Step) string {
	later := func(text string) bool { return strings.Contains(text, "${") || slices.Contains(s.Task.Needs, text) }
	switch e := s.Task.Executor.(type) {
	case task.Exec:
		switch {
		case later(e.Target) || later(e.Container) || e.Selector != "" || e.AllowEmpty:
		case e.Target != "":
			return coming.Target(ctx, e.Target, e.Container)
		default:
			return coming.Release(ctx, e.Container)
		}
	case task.Clone:
		containers := append([]string{e.Container}, e.Sidecars...)
		if !later(e.From) && !slices.ContainsFunc(containers, later) {
			return coming.Template(ctx, e.From, containers...)
		}
	case task.Service:
		label := e.Label
		if label == "" {
			label = task.ServiceLabel
		}
		return coming.Service(ctx, s.Release.Name, e.Name, label, e.Container)
	case task.Wait:
		if !later(e.Object) {
			return coming.Object(e.Object)
		}
	}
	return ""
}

// bringsKinds reports whether the chart's own definitions, or a task before Helm, may bring kinds that the cluster
// does not know.
func (o *operation) bringsKinds() bool {
	for _, f := range o.release.Files() {
		if strings.HasPrefix(f.Name, "crds/") || strings.Contains(f.Name, "/crds/") {
			return true
		}
	}
	return slices.ContainsFunc(o.plan.Steps, func(s plan.Step) bool { return s.Stage == task.Before && s.Task != nil && s.Task.Skip == "" })
}
