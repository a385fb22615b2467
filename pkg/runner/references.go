package runner

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/plan"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// unknownYet reports whether the object that a text names, or its existence, is known only when the task starts: the
// text has an expression, or the object is one of the task's needs.
func unknownYet(t *task.Task, text string) bool {
	return strings.Contains(text, "${") || slices.Contains(t.Needs, text)
}

func execLacks(ctx context.Context, coming workload.Preview, s plan.Step) string {
	e := s.Task.Executor.(task.Exec)
	switch {
	case unknownYet(s.Task, e.Target) || unknownYet(s.Task, e.Container) || e.Selector != "" || e.AllowEmpty:
		return ""
	case e.Target != "":
		return coming.Target(ctx, e.Target, e.Container)
	}
	return coming.Release(ctx, e.Container)
}

func cloneLacks(ctx context.Context, coming workload.Preview, s plan.Step) string {
	e := s.Task.Executor.(task.Clone)
	containers := append([]string{e.Container}, e.Sidecars...)
	if unknownYet(s.Task, e.From) || slices.ContainsFunc(containers, func(c string) bool { return unknownYet(s.Task, c) }) {
		return ""
	}
	return coming.Template(ctx, e.From, containers...)
}

func serviceLacks(ctx context.Context, coming workload.Preview, s plan.Step) string {
	e := s.Task.Executor.(task.Service)
	return coming.Service(ctx, s.Release.Name, e.Name, cmp.Or(e.Label, task.ServiceLabel), e.Container)
}

func waitLacks(_ context.Context, coming workload.Preview, s plan.Step) string {
	e := s.Task.Executor.(task.Wait)
	if unknownYet(s.Task, e.Object) {
		return ""
	}
	return coming.Object(e.Object)
}
