package advanced

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// environment adds the variables of the namespace: those of the platform, then those of the environment, from a Secret or
// else from a ConfigMap. When the user may not read them, both are added as optional.
func (b *builder) environment(ctx context.Context) error {
	secrets := b.api.CoreV1().Secrets(b.namespace)
	for _, name := range []string{platformEnv, lagoonEnv} {
		_, err := secrets.Get(ctx, name, metav1.GetOptions{})
		switch {
		case err == nil, apierrors.IsForbidden(err):
			b.from(&corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Optional: optional(err != nil)}})
		case !apierrors.IsNotFound(err):
			return fmt.Errorf("secret %q: %w", name, err)
		}
		if err == nil || name != lagoonEnv {
			continue
		}
		_, err = b.api.CoreV1().ConfigMaps(b.namespace).Get(ctx, name, metav1.GetOptions{})
		switch {
		case err == nil, apierrors.IsForbidden(err):
			b.from(&corev1.EnvFromSource{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Optional: optional(err != nil)}})
		case !apierrors.IsNotFound(err):
			return fmt.Errorf("configmap %q: %w", name, err)
		}
	}
	return nil
}

func (b *builder) from(source *corev1.EnvFromSource) {
	b.main.EnvFrom = append(b.main.EnvFrom, *source)
}

// optional returns a pointer to true, or nil.
func optional(yes bool) *bool {
	if !yes {
		return nil
	}
	return &yes
}
