package pod

import (
	"context"
	"maps"
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// The labels and annotations of the pods of tasks.
const (
	managedByLabel = "app.kubernetes.io/managed-by"
	releaseLabel   = "kubectl-tasks.io/release"
	taskLabel      = "kubectl-tasks.io/task"
	// MainAnnotation names the container whose exit ends the pod, and allAnnotation reports that the pod ends when all
	// have exited; a process that reattaches to the pod reads them.
	MainAnnotation = "kubectl-tasks.io/main"
	allAnnotation  = "kubectl-tasks.io/all"
)

const (
	// deadline is the time after which the cluster ends a pod whose task has no limit, so that a pod of a process that
	// died does not run forever.
	deadline = 24 * time.Hour
	// deadlineMargin is added to the limit of a task that has one.
	deadlineMargin = 30 * time.Second
	// unprivileged is a UID without rights, for namespaces in which nothing may run as root.
	unprivileged = 65534
)

// Build returns the pod of a task.
func (r Runner) Build(ctx context.Context, t task.Task, p task.Pod) *corev1.Pod {
	spec := p.Spec.DeepCopy()
	spec.RestartPolicy = corev1.RestartPolicyNever
	if spec.ActiveDeadlineSeconds == nil {
		limit := deadline
		if t.Timeout > 0 {
			limit = t.Timeout + deadlineMargin
		}
		seconds := int64(math.Ceil(limit.Seconds()))
		spec.ActiveDeadlineSeconds = &seconds
	}
	if files := t.Files(); len(files) > 0 {
		// The files are read after the container has exited, when only its termination message is left.
		for i := range spec.Containers {
			if c := &spec.Containers[i]; c.Name == p.MainContainer().Name {
				c.TerminationMessagePath, c.TerminationMessagePolicy = files[0], corev1.TerminationMessageReadFile
			}
		}
	}
	if p.Adapt && r.Cluster.Restricted(ctx, r.Namespace) {
		restrict(spec)
	}
	labels := map[string]string{}
	maps.Copy(labels, p.Labels)
	maps.Copy(labels, map[string]string{managedByLabel: "kubectl-tasks", taskLabel: labelValue(t.Name), RunLabel: r.ID.Run})
	if r.Release != "" {
		labels[releaseLabel] = r.Release
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: r.ID.Name(t), Namespace: r.Namespace, Labels: labels, Annotations: annotations(p)},
		Spec:       *spec,
	}
}

// annotations returns those of the task, and those that a process needs to reattach to its pod.
func annotations(p task.Pod) map[string]string {
	all := map[string]string{}
	maps.Copy(all, p.Annotations)
	// Also when it is the first container: a webhook may insert others before it.
	all[MainAnnotation] = p.MainContainer().Name
	if p.All {
		all[allAnnotation] = "true"
	}
	return all
}

// labelValue returns a task's name as the value of a label.
func labelValue(name string) string {
	if len(validation.IsValidLabelValue(name)) == 0 {
		return name
	}
	return task.Slug(name)
}

// restrict sets the fields that the Pod Security Standard "restricted" requires and that the author has not set.
func restrict(spec *corev1.PodSpec) {
	yes, no, user := true, false, int64(unprivileged)
	if spec.SecurityContext == nil {
		spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	pod := spec.SecurityContext
	if pod.RunAsNonRoot == nil {
		pod.RunAsNonRoot = &yes
	}
	if pod.RunAsUser == nil {
		pod.RunAsUser = &user
	}
	if pod.SeccompProfile == nil {
		pod.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
	for i := range spec.Containers {
		c := &spec.Containers[i]
		if c.SecurityContext == nil {
			c.SecurityContext = &corev1.SecurityContext{}
		}
		if c.SecurityContext.AllowPrivilegeEscalation == nil {
			c.SecurityContext.AllowPrivilegeEscalation = &no
		}
		if c.SecurityContext.Capabilities == nil {
			c.SecurityContext.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
		}
	}
}
