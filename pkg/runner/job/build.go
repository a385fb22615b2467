package job

import (
	"context"
	"maps"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// build returns the Job of a task. Unless its author says otherwise, the Job has no retries and the time limit of the
// task.
func (r Runner) build(ctx context.Context, t task.Task, j task.Job) *batchv1.Job {
	spec := j.Spec.DeepCopy()
	template := r.Pods.Build(ctx, t, j.Pod())
	restart := spec.Template.Spec.RestartPolicy
	if spec.ActiveDeadlineSeconds == nil {
		spec.ActiveDeadlineSeconds = template.Spec.ActiveDeadlineSeconds
	}
	template.Spec.ActiveDeadlineSeconds = j.Spec.Template.Spec.ActiveDeadlineSeconds
	if restart != "" {
		template.Spec.RestartPolicy = restart
	}
	spec.Template.Spec = template.Spec
	spec.Template.Labels = merged(spec.Template.Labels, template.Labels)
	spec.Template.Annotations = merged(spec.Template.Annotations, template.Annotations)
	if spec.BackoffLimit == nil {
		spec.BackoffLimit = new(int32)
	}
	if spec.PodReplacementPolicy == nil {
		// A pod that is being deleted may still run; its replacement waits for its end.
		failed := batchv1.Failed
		spec.PodReplacementPolicy = &failed
	}
	if spec.TTLSecondsAfterFinished == nil {
		seconds := int32(ttl.Seconds())
		spec.TTLSecondsAfterFinished = &seconds
	}
	meta := template.ObjectMeta
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: meta.Name, Namespace: meta.Namespace, Labels: meta.Labels, Annotations: merged(meta.Annotations, j.JobAnnotations)},
		Spec:       *spec,
	}
}

func merged(own, ours map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range []map[string]string{own, ours} {
		maps.Copy(all, m)
	}
	return all
}
