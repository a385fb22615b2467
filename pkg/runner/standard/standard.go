package standard

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube/workload"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/runner/clone"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Cluster is the part of a cluster that the runner needs; cluster.Cluster is one.
type Cluster interface {
	FindWorkload(ctx context.Context, namespace, release, service, label string) (string, error)
	PodTemplate(ctx context.Context, namespace, from string) (*workload.Template, error)
}

// Runner runs standard tasks.
type Runner struct {
	Cluster Cluster
	// Clones runs the copy of the pod.
	Clones clone.Runner
}

// cronjobs is the variable with which a container of Lagoon starts its cron jobs.
const cronjobs = "CRONJOBS"

// Run finds the service's workload and runs the command in a copy of its pod; see clone.Runner.Run.
func (r Runner) Run(ctx context.Context, t task.Task, sink task.Sink) task.Result {
	s, ok := t.Executor.(task.Standard)
	if !ok {
		return task.Result{State: task.Failed, Reason: "NoRunner", Message: fmt.Sprintf("%T is not a standard task", t.Executor)}
	}
	label := s.Label
	if label == "" {
		label = task.ServiceLabel
	}
	pods := r.Clones.Pods
	target, err := r.Cluster.FindWorkload(ctx, pods.Namespace, pods.Release, s.Service, label)
	var template *workload.Template
	if err == nil {
		template, err = r.Cluster.PodTemplate(ctx, pods.Namespace, target)
	}
	switch {
	case ctx.Err() != nil:
		return task.Result{State: task.Cancelled, Reason: "Cancelled", Message: context.Cause(ctx).Error()}
	case err != nil:
		return task.Result{State: task.Failed, Reason: "Service", Message: err.Error()}
	}
	note := func(format string, args ...any) {
		sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, format+"\n", args...)})
	}
	container := s.Container
	if container == "" {
		container = template.DefaultContainer()
	}
	noteDifferences(template, container, s, note)
	c := task.Clone{
		Command: s.Command, From: target, Container: container, Env: s.Env, Without: []string{cronjobs}, All: s.Compat,
		Labels: s.Labels, Annotations: map[string]string{"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"},
	}
	c.Command.Argv = withEntrypoint(s.Command.Argv)
	if !s.Compat {
		c.Command.Argv = withEntrypointIfThere(s.Command.Argv, messagePath(template, container))
	}
	plain := false
	r.Clones.Pods.OnUpdate = func(pod *corev1.Pod) {
		for _, status := range pod.Status.ContainerStatuses {
			if end := status.State.Terminated; end != nil && end.Message == noEntrypoint {
				plain = true
			}
		}
	}
	t.Executor = c
	result := r.Clones.RunTemplate(ctx, t, template, sink)
	if plain {
		note("image %s has no %s: running plain sh -c", image(template, container), entrypoint)
		result.Message = strings.TrimSuffix(result.Message, ": "+noEntrypoint)
		for i := range result.Targets {
			result.Targets[i].Message = strings.TrimSuffix(result.Targets[i].Message, ": "+noEntrypoint)
		}
	}
	return result
}

// noteDifferences shows in which respects the pod differs from Lagoon's.
func noteDifferences(template *workload.Template, container string, s task.Standard, note func(string, ...any)) {
	var names []string
	for _, c := range template.Spec.Containers {
		names = append(names, c.Name)
		if c.Name != container && !s.Compat {
			continue
		}
		if len(c.Args) > 0 {
			note("the arguments of container %s are omitted: they would be passed to the command", c.Name)
		}
		if c.LivenessProbe != nil || c.ReadinessProbe != nil || c.StartupProbe != nil {
			note("the probes of container %s are omitted: one of them could stop a long task", c.Name)
		}
	}
	if len(names) > 1 && !s.Compat {
		note("pod has %d containers (%s); the command runs in %s; Lagoon, and --lagoon-compat, run it in each", len(names), strings.Join(names, ", "), container)
	}
	for _, name := range []string{"TASK_API_HOST", "TASK_SSH_HOST", "TASK_SSH_PORT", "LAGOON_CONFIG_"} {
		set := func(v corev1.EnvVar) bool { return strings.HasPrefix(v.Name, name) }
		if strings.Contains(s.Command.Text, name) && !slices.ContainsFunc(s.Env, set) {
			note("no Lagoon API in this cluster: %s is empty; --var sets it", strings.TrimSuffix(name, "_"))
			return
		}
	}
}

func of(template *workload.Template, container string) corev1.Container {
	for _, c := range template.Spec.Containers {
		if c.Name == container {
			return c
		}
	}
	return corev1.Container{}
}

func image(template *workload.Template, container string) string {
	return of(template, container).Image
}

// messagePath returns the path of the container's termination message.
func messagePath(template *workload.Template, container string) string {
	if path := of(template, container).TerminationMessagePath; path != "" {
		return path
	}
	return corev1.TerminationMessagePathDefault
}
