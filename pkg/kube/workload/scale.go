package workload

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// ScaledToZero reports whether a workload, given as KIND/NAME, is scaled to zero; false for one that cannot be scaled.
func (f Finder) ScaledToZero(ctx context.Context, namespace, target string) (bool, error) {
	live, err := f.scaled(ctx, namespace, target)
	if err != nil {
		return false, err
	}
	replicas, found, _ := unstructured.NestedInt64(live.Object, "spec", "replicas")
	return found && replicas == 0, nil
}

// ListScaledToZero returns the Deployments of the namespace that the label selector matches and that are scaled to
// zero. The error is the server's.
func (f Finder) ListScaledToZero(ctx context.Context, namespace, selector string) ([]appsv1.Deployment, error) {
	client, err := f.Client.Interface()
	if err != nil {
		return nil, err
	}
	list, err := client.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list.Items, func(d appsv1.Deployment) bool { return d.Spec.Replicas == nil || *d.Spec.Replicas != 0 }), nil
}

// Scale changes the number of pods of a workload, given as KIND/NAME. It is an error when the current number is not
// from, except for a workload that is at zero when to is zero.
func (f Finder) Scale(ctx context.Context, namespace, target string, from, to int64) error {
	o, resource, err := f.Client.Named(namespace, target)
	if err != nil {
		return err
	}
	client, err := f.Client.Resource(resource, namespace)
	if err != nil {
		return err
	}
	wrap := func(err error) error {
		return fmt.Errorf("scaling %s in namespace %q from %d to %d: %w", kube.Name(o), namespace, from, to, err)
	}
	current, err := client.Get(ctx, o.GetName(), metav1.GetOptions{}, "scale")
	if err != nil {
		return wrap(err)
	}
	// The server omits it when it is 0.
	replicas, _, _ := unstructured.NestedInt64(current.Object, "spec", "replicas")
	switch {
	case replicas == to && to == 0:
		return nil
	case replicas != from:
		return wrap(fmt.Errorf("another client has scaled it to %d", replicas))
	}
	if err := setReplicas(ctx, client, current, from, to); err != nil {
		return wrap(err)
	}
	return nil
}

// setReplicas sets the number of pods with the resource version that was read, so that a change in the meantime is a
// conflict. From zero it uses server-side apply: after the number has been 0, the server does not note the field
// manager of an update any more (its Scale omits the field then), so that scaledHere would not see the update.
func setReplicas(ctx context.Context, client dynamic.ResourceInterface, current *unstructured.Unstructured, from, to int64) error {
	if from > 0 {
		if err := unstructured.SetNestedField(current.Object, to, "spec", "replicas"); err != nil {
			return err
		}
		_, err := client.Update(ctx, current, metav1.UpdateOptions{FieldManager: manager}, "scale")
		return err
	}
	wanted := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"replicas": to}}}
	wanted.SetGroupVersionKind(current.GroupVersionKind())
	wanted.SetName(current.GetName())
	wanted.SetResourceVersion(current.GetResourceVersion())
	_, err := client.Apply(ctx, current.GetName(), wanted, metav1.ApplyOptions{FieldManager: manager, Force: true}, "scale")
	return err
}

// manager is the field manager of this program (managedFields).
const manager = "kubectl-tasks"

// WorkloadUID returns the UID of a workload that can be scaled, given as KIND/NAME. The error is the server's.
func (f Finder) WorkloadUID(ctx context.Context, namespace, target string) (string, error) {
	live, err := f.scaled(ctx, namespace, target)
	if err != nil {
		return "", err
	}
	return string(live.GetUID()), nil
}

// ScaleBack scales a workload, which was scaled up for a task from zero to a number of pods, to zero. It is an error,
// and the workload stays as it is, unless the workload has that UID and this program was the last to scale it: the
// server notes that in the object (managedFields), which the author of a record cannot change.
func (f Finder) ScaleBack(ctx context.Context, namespace, target, uid string, from int64) error {
	live, err := f.scaled(ctx, namespace, target)
	if err != nil {
		return fmt.Errorf("%s in namespace %q cannot be scaled back: %w", target, namespace, err)
	}
	switch {
	case uid == "" || string(live.GetUID()) != uid:
		return fmt.Errorf("%s in namespace %q is not the one that was scaled up", target, namespace)
	case !scaledHere(live):
		return fmt.Errorf("%s in namespace %q was last scaled by another client", target, namespace)
	}
	return f.Scale(ctx, namespace, target, from, 0)
}

// scaled returns a workload of the namespace.
func (f Finder) scaled(ctx context.Context, namespace, target string) (*unstructured.Unstructured, error) {
	o, resource, err := f.Client.Named(namespace, target)
	if err != nil {
		return nil, err
	}
	if o.GetNamespace() != namespace {
		return nil, fmt.Errorf("%s has no namespace", target)
	}
	client, err := f.Client.Resource(resource, namespace)
	if err != nil {
		return nil, err
	}
	return client.Get(ctx, o.GetName(), metav1.GetOptions{})
}

// scaledHere reports whether this program has set the number of pods, with the subresource scale.
func scaledHere(o *unstructured.Unstructured) bool {
	return slices.ContainsFunc(o.GetManagedFields(), func(f metav1.ManagedFieldsEntry) bool {
		return f.Manager == manager && f.Subresource == "scale" && f.FieldsV1 != nil && strings.Contains(f.FieldsV1.GetRawString(), `"f:replicas"`)
	})
}
