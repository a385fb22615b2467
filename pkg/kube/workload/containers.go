package workload

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// container returns that none of the workloads has a container of that name: neither in its template, nor in its pods,
// nor in a pod that the server would create from the template, because webhooks add containers.
func (p Preview) container(ctx context.Context, of, name string, all []*unstructured.Unstructured) string {
	var has []string
	for _, o := range all {
		template, err := templateOf(o)
		if err != nil {
			return ""
		}
		has = append(has, inPod(template.Spec)...)
	}
	if len(all) == 0 || slices.Contains(has, name) {
		return ""
	}
	for _, o := range all {
		pods, _ := p.finder().OwnPods(ctx, o) // a new workload has none
		for _, pod := range pods {
			if slices.Contains(inPod(pod.Spec), name) {
				return ""
			}
		}
		template, _ := templateOf(o)
		created := p.dryRunPod(ctx, template)
		if created == nil || slices.Contains(inPod(created.Spec), name) {
			return "" // webhooks may add it
		}
	}
	slices.Sort(has)
	return noContainer(of, name, slices.Compact(has))
}

// dryRunPod returns the pod that the server would create from a template, by a dry run; nil when it refuses.
func (p Preview) dryRunPod(ctx context.Context, template *Template) *corev1.Pod {
	client, err := p.Client.Interface()
	if err != nil {
		return nil
	}
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Name, pod.GenerateName, pod.Namespace = "", "kubectl-tasks-", p.Namespace
	created, err := client.CoreV1().Pods(p.Namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: "kubectl-tasks"})
	if err != nil {
		return nil
	}
	return created
}

// inPod returns the names of the containers in which a program can run.
func inPod(spec corev1.PodSpec) []string {
	return slices.Concat(names(spec.Containers), names(spec.InitContainers))
}

// names returns those of the containers.
func names(containers []corev1.Container) []string {
	all := make([]string, len(containers))
	for i, c := range containers {
		all[i] = c.Name
	}
	return all
}

// noContainer returns the message about a container that is missing.
func noContainer(of, name string, has []string) string {
	return fmt.Sprintf("%s has no container %q; it has %s", of, name, strings.Join(has, ", "))
}

// suggestion returns a question for the known name that is nearest; empty when none is near.
func suggestion(name string, known []string) string {
	if meant := task.Nearest(name, known); meant != "" {
		return fmt.Sprintf("; did you mean %q?", meant)
	}
	return ""
}
