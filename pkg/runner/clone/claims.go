package clone

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// checkClaims shows the only node on which the pod can run when another pod uses one of its claims. It returns an error
// when the pod can run on none.
func (r Runner) checkClaims(ctx context.Context, spec corev1.PodSpec, sink task.Sink) error {
	for _, v := range spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		claim := v.PersistentVolumeClaim.ClaimName
		use, err := r.Cluster.ClaimUse(ctx, r.Pods.Namespace, claim)
		switch {
		case apierrors.IsForbidden(err):
			continue
		case err != nil:
			return fmt.Errorf("PersistentVolumeClaim %s in namespace %q, which the pod needs: %w", claim, r.Pods.Namespace, err)
		case len(use.Pods) == 0:
			continue
		}
		by := use.Pods[0]
		if use.OnePod {
			return fmt.Errorf("PersistentVolumeClaim %s is ReadWriteOncePod and in use by pod %s on node %s: no other pod can use it", claim, by.Name, by.Spec.NodeName)
		}
		sink(task.Output{Stream: task.Note, Data: fmt.Appendf(nil, "PersistentVolumeClaim %s is ReadWriteOnce and in use by pod %s: the clone can run on its node %s only\n", claim, by.Name, by.Spec.NodeName)})
	}
	return nil
}
