package keptn

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Check returns an error when the task needs a Secret or a ConfigMap that neither exists nor is going to be applied: its
// pod would not start. An object that the user may not read is assumed to exist.
func Check(ctx context.Context, client kubernetes.Interface, namespace string, k task.Keptn, next []*unstructured.Unstructured) error {
	if k.Secret != "" && find(next, "Secret", k.Secret) == nil {
		secret, err := client.CoreV1().Secrets(namespace).Get(ctx, k.Secret, metav1.GetOptions{})
		switch {
		case apierrors.IsForbidden(err):
		case apierrors.IsNotFound(err):
			return fmt.Errorf("definition %q needs secret %q, which is not in namespace %q", k.Definition, k.Secret, namespace)
		case err != nil:
			return fmt.Errorf("secret %q: %w", k.Secret, err)
		default:
			if _, has := secret.Data[secretKey]; !has {
				return fmt.Errorf("definition %q: secret %q in namespace %q has no key %s", k.Definition, k.Secret, namespace, secretKey)
			}
		}
	}
	if k.CodeMap == "" || k.Code != "" || find(next, "ConfigMap", k.CodeMap) != nil {
		return nil
	}
	config, err := client.CoreV1().ConfigMaps(namespace).Get(ctx, k.CodeMap, metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err):
	case apierrors.IsNotFound(err):
		return fmt.Errorf("definition %q needs configmap %q, which is not in namespace %q", k.Definition, k.CodeMap, namespace)
	case err != nil:
		return fmt.Errorf("configmap %q: %w", k.CodeMap, err)
	default:
		if _, has := config.Data[codeKey]; !has {
			return fmt.Errorf("definition %q: configmap %q in namespace %q has no key %s", k.Definition, k.CodeMap, namespace, codeKey)
		}
	}
	return nil
}
