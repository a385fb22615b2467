package ready

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// skipUnusedClaims removes claims from the wait that are bound when a pod first uses them: pods wait for their claims
// anyway, and a claim without a pod is never bound. It returns when it has seen all claims, or when ctx ends.
func (w *readyWait) skipUnusedClaims(ctx context.Context) {
	for p, names := range w.places {
		if p.resource != corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims") {
			continue
		}
		for _, a := range names {
			live := w.liveOf(a)
			for ; live == nil; live = w.liveOf(a) {
				select {
				case <-ctx.Done():
					return
				case <-time.After(podsDelay):
				}
			}
			if !w.bindsOnFirstUse(ctx, live) {
				continue
			}
			w.mu.Lock()
			a.rule = func(*unstructured.Unstructured) (Verdict, string) { return Ready, "" }
			w.judge(a, live)
			w.check()
			w.mu.Unlock()
		}
	}
}

// bindsOnFirstUse reports whether the claim's class binds it only when a pod uses it.
func (w *readyWait) bindsOnFirstUse(ctx context.Context, claim *unstructured.Unstructured) bool {
	class, _, _ := unstructured.NestedString(claim.Object, "spec", "storageClassName")
	client, err := w.client.Interface()
	if class == "" || err != nil {
		return false
	}
	found, err := client.StorageV1().StorageClasses().Get(ctx, class, metav1.GetOptions{})
	return err == nil && found.VolumeBindingMode != nil && *found.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
}
