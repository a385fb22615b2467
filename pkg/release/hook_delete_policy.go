package release

import (
	"errors"
	"fmt"
	"slices"

	helmkube "helm.sh/helm/v3/pkg/kube"
	helmrelease "helm.sh/helm/v3/pkg/release"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/resource"
)

// hasDeletePolicy reports whether the hook has a delete policy. CRDs have none, because all objects of their kind would
// be deleted with them.
func (h *Hook) hasDeletePolicy(policy helmrelease.HookDeletePolicy) bool {
	return h.Kind != "CustomResourceDefinition" && slices.Contains(h.hook.DeletePolicies, policy)
}

// deletePrevious deletes existing objects of the hook's kinds and names, if the hook has the policy
// before-hook-creation. As in Helm it does not matter who created them. Objects with a generateName have none.
func (h *Hook) deletePrevious() error {
	if !h.hasDeletePolicy(helmrelease.HookBeforeHookCreation) {
		return nil
	}
	resources, err := h.build()
	if err != nil {
		return err
	}
	resources = resources.Filter(func(r *resource.Info) bool { return r.Name != "" })
	if slices.ContainsFunc(resources, h.client.isReleaseNamespace) {
		return fmt.Errorf("hook %s would delete namespace %q and the release with it: its delete policy is before-hook-creation, which is also the default; give it another one", h.hook.Path, h.client.releaseNamespace)
	}
	if len(resources) == 0 {
		return nil
	}
	if _, errs := h.client.Delete(resources); len(errs) > 0 {
		return fmt.Errorf("deleting hook %s: %w", h.hook.Path, errors.Join(errs...))
	}
	return h.client.waitDeleted(resources, h.Timeout)
}

// isReleaseNamespace reports whether the object is the namespace of the release.
func (c *client) isReleaseNamespace(r *resource.Info) bool {
	return r.Mapping.GroupVersionKind.GroupKind() == corev1.SchemeGroupVersion.WithKind("Namespace").GroupKind() && r.Name == c.releaseNamespace
}

// applyDeletePolicies applies the delete policies of the hooks of an event, once all have ended, in reverse order.
func applyDeletePolicies(hooks []*Hook) error {
	useNewestObjects(hooks)
	var errs []error
	for _, h := range slices.Backward(hooks) {
		errs = append(errs, h.applyDeletePolicy())
	}
	return errors.Join(errs...)
}

// useNewestObjects replaces objects that hooks created with those of the same name that a later hook of the event
// created, because Helm applies the policies by name.
func useNewestObjects(hooks []*Hook) {
	type key struct {
		kind            schema.GroupVersionKind
		namespace, name string
	}
	keyOf := func(r *resource.Info) key { return key{r.Mapping.GroupVersionKind, r.Namespace, r.Name} }
	newest := map[key]*resource.Info{}
	for _, h := range hooks {
		for _, r := range h.created {
			newest[keyOf(r)] = r
		}
	}
	for _, h := range hooks {
		for i, r := range h.created {
			h.created[i] = newest[keyOf(r)]
		}
	}
}

// applyDeletePolicy deletes the objects that this run created, if the policy for the hook's outcome says so. An object
// of the same name that existed before, so that the hook could not be created, stays, as with Helm.
func (h *Hook) applyDeletePolicy() error {
	if !h.started {
		return nil
	}
	switch h.hook.LastRun.Phase {
	case helmrelease.HookPhaseSucceeded:
		return h.delete(helmrelease.HookSucceeded)
	case helmrelease.HookPhaseFailed:
		return h.delete(helmrelease.HookFailed)
	case helmrelease.HookPhaseUnknown, helmrelease.HookPhaseRunning:
	}
	return nil
}

// delete deletes the objects that this run created, if the hook has the policy, and waits until they are deleted.
func (h *Hook) delete(policy helmrelease.HookDeletePolicy) error {
	if !h.hasDeletePolicy(policy) || len(h.created) == 0 {
		return nil
	}
	var errs []error
	for _, r := range h.created {
		if err := deleteByUID(r); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("deleting hook %s: %w", h.hook.Path, errors.Join(errs...))
	}
	return h.client.waitDeleted(h.created, h.Timeout)
}

// deleteByUID deletes an object by its UID. It is no error if the object is already deleted, even if there is another one
// of its name.
func deleteByUID(r *resource.Info) error {
	uid, background := uidOf(r), metav1.DeletePropagationBackground
	options := &metav1.DeleteOptions{PropagationPolicy: &background, Preconditions: &metav1.Preconditions{UID: &uid}}
	_, err := resource.NewHelper(r.Client, r.Mapping).DeleteWithOptions(r.Namespace, r.Name, options)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// createHookObjects creates the objects of a hook as Helm does. With an error it returns those that it could create.
func (c *client) createHookObjects(resources helmkube.ResourceList) (helmkube.ResourceList, error) {
	for _, r := range resources {
		// A UID in the chart is ignored: here it means that the server has created the object.
		if object, err := meta.Accessor(r.Object); err == nil {
			object.SetUID("")
		}
	}
	_, err := c.Client.Create(resources)
	return resources.Filter(func(r *resource.Info) bool { return uidOf(r) != "" }), err
}

// uidOf returns the UID of an object; empty before it is created.
func uidOf(r *resource.Info) types.UID {
	object, err := meta.Accessor(r.Object)
	if err != nil {
		return ""
	}
	return object.GetUID()
}
