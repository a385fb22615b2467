package runner

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/engine"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// secretsInUse are the Secrets that the tasks of a run use.
type secretsInUse struct {
	read   kube.Secrets
	warned sync.Once
}

// SecretsOf returns the values of the Secrets that a pod uses, for masking them in its output.
func (s *Steps) SecretsOf(ctx context.Context, pod *corev1.Pod) ([]string, error) {
	return s.secrets.read.UsedBy(ctx, s.Client, pod.Namespace, &pod.Spec)
}

// maskSecrets returns a function that masks the values of the Secrets that a pod uses in the output of an attempt.
// When they cannot be read, a note is shown once in a run.
func (s *Steps) maskSecrets(a engine.Attempt, sink task.Sink) func(context.Context, string, *corev1.PodSpec) {
	return func(ctx context.Context, namespace string, spec *corev1.PodSpec) {
		values, err := s.secrets.read.UsedBy(ctx, s.Client, namespace, spec)
		a.Mask(values)
		if err != nil {
			s.secrets.warned.Do(func() {
				sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "secrets in the output of tasks will not be masked: %v\n", err)})
			})
		}
	}
}

// maskSecretsOfPod is maskSecrets for a running pod. A pod without a spec is read from the cluster.
func (s *Steps) maskSecretsOfPod(a engine.Attempt, sink task.Sink) func(context.Context, *corev1.Pod) {
	mask := s.maskSecrets(a, sink)
	return func(ctx context.Context, pod *corev1.Pod) {
		spec := &pod.Spec
		if len(spec.Containers) == 0 {
			live, err := s.Client.GetPod(ctx, pod.Namespace, pod.Name)
			if err != nil {
				return // the pod no longer exists, and neither does the program
			}
			spec = &live.Spec
		}
		mask(ctx, pod.Namespace, spec)
	}
}
