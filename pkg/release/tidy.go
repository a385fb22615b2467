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

// has reports whether the hook has that delete policy. CRDs are never deleted: with them all objects of their
// kind would go.
func (h *Hook) has(policy helmrelease.HookDeletePolicy) bool {
	return h.Kind != "CustomResourceDefinition" && slices.Contains(h.hook.DeletePolicies, policy)
}

// makeRoom deletes what stands in the place of the hook's objects, whoever made it, when the hook's policy is
// before-hook-creation, as Helm does. Objects whose name the server makes have no such place.
func (h *Hook) makeRoom() error {
	if !h.has(helmrelease.HookBeforeHookCreation) {
		return nil
	}
	resources, err := h.build()
	if err != nil {
		return err
	}
	resources = resources.Filter(func(r *resource.Info) bool { return r.Name != "" })
	if slices.ContainsFunc(resources, h.client.livesIn) {
		return fmt.Errorf("hook %s would delete namespace %q and the release with it: its delete policy is before-hook-creation, which is also the default; give it another one", h.hook.Path, h.client.home)
	}
	if len(resources) == 0 {
		return nil
	}
	if _, errs := h.client.Delete(resources); len(errs) > 0 {
		return fmt.Errorf("deleting hook %s: %w", h.hook.Path, errors.Join(errs...))
	}
	return h.client.gone(resources, h.Timeout)
}

// livesIn reports whether the object is the namespace of the release.
func (c *client) livesIn(r *resource.Info) bool {
	return r.Mapping.GroupVersionKind.GroupKind() == corev1.SchemeGroupVersion.WithKind("Namespace").GroupKind() && r.Name == c.home
}

// tidy deletes what the policies of the hooks of an event say, from the last one to the first.
func tidy(hooks []*Hook) error {
	takeOver(hooks)
	var errs []error
	for _, h := range slices.Backward(hooks) {
		errs = append(errs, h.tidy())
	}
	return errors.Join(errs...)
}

// takeOver has each hook own what a later one of the event has made in the place of its object, for Helm's policies are
// about names.
func takeOver(hooks []*Hook) {
	type place struct {
		kind            schema.GroupVersionKind
		namespace, name string
	}
	at := func(r *resource.Info) place { return place{r.Mapping.GroupVersionKind, r.Namespace, r.Name} }
	newest := map[place]*resource.Info{}
	for _, h := range hooks {
		for _, r := range h.own {
			newest[at(r)] = r
		}
	}
	for _, h := range hooks {
		for i, r := range h.own {
			h.own[i] = newest[at(r)]
		}
	}
}

// tidy deletes what the hook's policy says, now that all of its event have ended: what this run has made, and
// nothing else. An object that was there before and kept the hook from being made is not the hook's, although it
// has its name; Helm leaves it, too.
func (h *Hook) tidy() error {
	if !h.ran {
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

// delete deletes the objects of the hook that this run has made, when the hook has that policy, and waits until
// they are gone.
func (h *Hook) delete(policy helmrelease.HookDeletePolicy) error {
	if !h.has(policy) || len(h.own) == 0 {
		return nil
	}
	var errs []error
	for _, r := range h.own {
		if err := deleteOwn(r); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("deleting hook %s: %w", h.hook.Path, errors.Join(errs...))
	}
	return h.client.gone(h.own, h.Timeout)
}

// deleteOwn deletes an object by its UID. One that is not there any more, or another one of its name, is no error.
func deleteOwn(r *resource.Info) error {
	uid, background := uidOf(r), metav1.DeletePropagationBackground
	options := &metav1.DeleteOptions{PropagationPolicy: &background, Preconditions: &metav1.Preconditions{UID: &uid}}
	_, err := resource.NewHelper(r.Client, r.Mapping).DeleteWithOptions(r.Namespace, r.Name, options)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// create makes the objects of a hook, as Helm does, and returns those that it made, also when others could not be.
func (c *client) create(resources helmkube.ResourceList) (helmkube.ResourceList, error) {
	for _, r := range resources {
		// What the chart says is none of this run's: the server gives an object its UID.
		if object, err := meta.Accessor(r.Object); err == nil {
			object.SetUID("")
		}
	}
	_, err := c.Client.Create(resources)
	return resources.Filter(func(r *resource.Info) bool { return uidOf(r) != "" }), err
}

// uidOf returns the UID of an object that was made; empty before that.
func uidOf(r *resource.Info) types.UID {
	object, err := meta.Accessor(r.Object)
	if err != nil {
		return ""
	}
	return object.GetUID()
}
