package advanced

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mount adds a volume.
func (b *builder) mount(name string, source corev1.VolumeSource, path string, readOnly bool) {
	b.spec.Volumes = append(b.spec.Volumes, corev1.Volume{Name: name, VolumeSource: source})
	b.main.VolumeMounts = append(b.main.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: path, ReadOnly: readOnly})
}

// volumeName returns a valid name for a volume, which the name of an object may not be.
func (b *builder) volumeName(prefix string) string {
	return fmt.Sprintf("%s-%d", prefix, len(b.spec.Volumes))
}

func secretVolume(name string, mode *int32) corev1.VolumeSource {
	return corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name, DefaultMode: mode}}
}

func (b *builder) sshKey(ctx context.Context) error {
	_, err := b.api.CoreV1().Secrets(b.namespace).Get(ctx, sshKey, metav1.GetOptions{})
	if err != nil && !apierrors.IsForbidden(err) {
		return b.missing("secret", sshKey, "sshKey: true", err)
	}
	mode := int32(sshKeyMode)
	b.mount(sshKey, secretVolume(sshKey, &mode), sshKeyPath, true)
	return nil
}

func (b *builder) claims(ctx context.Context) error {
	list, err := b.api.CoreV1().PersistentVolumeClaims(b.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing claims of storage class %s, required by volumeMounts: true: %w", bulkClass, err)
	}
	for _, c := range list.Items {
		if c.Spec.StorageClassName == nil || *c.Spec.StorageClassName != bulkClass {
			continue
		}
		b.mount(b.volumeName("storage"), corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: c.Name}}, storagePath+c.Name, false)
	}
	if len(b.spec.Volumes) == 0 {
		b.note("volumeMounts: namespace %q has no claim of storage class %s", b.namespace, bulkClass)
	}
	return nil
}
