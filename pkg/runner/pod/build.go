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

// The labels by which the pods of tasks are found.
const (
	managedByLabel = "app.kubernetes.io/managed-by"
	releaseLabel   = "kubectl-tasks.io/release"
	taskLabel      = "kubectl-tasks.io/task"
	// MainAnnotation names the container whose end is the pod's, and allAnnotation reports that the pod
	// ends with all of them; for whoever goes on with a pod that another process made.
	MainAnnotation = "kubectl-tasks.io/main"
	allAnnotation  = "kubectl-tasks.io/all"
)

const (
	// deadline is after how long the cluster itself ends a pod whose task has no limit: nothing
	// that this program forgot runs forever.
	deadline = 24 * time.Hour
	// deadlineMargin is how much later than the task's own limit that is.
	deadlineMargin = 30 * time.Second
	// nobody is a user that no image needs, for namespaces in which nothing may run as root.
	nobody = 65534
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
		// The container is gone when its files are wanted; its last message is what stays.
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

// annotations are those of the task, and what whoever goes on with its pod has to know.
func annotations(p task.Pod) map[string]string {
	all := map[string]string{}
	maps.Copy(all, p.Annotations)
	// Also when it is the first: a webhook may put others before it.
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

// restrict sets what the Pod Security Standard "restricted" demands and the author left open.
func restrict(spec *corev1.PodSpec) {
	yes, no, user := true, false, int64(nobody)
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
