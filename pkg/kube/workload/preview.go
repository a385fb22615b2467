package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kubectl/pkg/cmd/util/podcmd"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// Preview is a namespace as it will be after objects are applied. Its methods return what a task will miss; empty when
// nothing is missing, or when that cannot be known: custom resources among the objects may create others.
type Preview struct {
	Client    *kube.Client
	Namespace string
	Objects   []*unstructured.Unstructured
	// PodLabel is the label by which the pods of a release are preferred; see PreferLabelled.
	PodLabel string
	// NewKinds reports that kinds may be added that the cluster does not have yet.
	NewKinds bool
}

// finder finds in the cluster as it is now.
func (p Preview) finder() Finder { return Finder{p.Client} }

// Target returns why a program cannot run in a container of KIND/NAME; an empty container is the default one.
func (p Preview) Target(ctx context.Context, target, container string) string {
	o, why := p.find(ctx, target)
	if o == nil {
		return why
	}
	if kind := o.GroupVersionKind().GroupKind(); kind != (schema.GroupKind{Kind: "Service"}) && !kube.IsWorkload(kind) {
		return fmt.Sprintf("programs run in the pods of a Deployment, StatefulSet, DaemonSet, ReplicaSet, Service or Pod; %s is none of these", kube.Name(o))
	}
	if container == "" {
		return ""
	}
	if o.GetKind() == "Service" {
		return p.container(ctx, kube.Name(o), container, p.selectedBy(o))
	}
	return p.container(ctx, kube.Name(o), container, []*unstructured.Unstructured{o})
}

// Release is Target for the pods of the objects.
func (p Preview) Release(ctx context.Context, container string) string {
	all := PreferLabelled(Of(p.Objects), p.PodLabel)
	if len(all) == 0 {
		return "the release has no workloads, and therefore no pods"
	}
	if container == "" {
		return ""
	}
	return p.container(ctx, "the release", container, all)
}

// Template returns why a pod cannot be made from the template of KIND/NAME with these of its containers.
func (p Preview) Template(ctx context.Context, from string, containers ...string) string {
	o, why := p.find(ctx, from)
	if o == nil {
		return why
	}
	template, err := templateOf(o)
	if err != nil {
		return err.Error()
	}
	for _, name := range containers {
		if has := names(template.Spec.Containers); name != "" && !slices.Contains(has, name) {
			return noContainer(kube.Name(o), name, has)
		}
	}
	return ""
}

// Object returns why KIND/NAME can never exist: the cluster does not have its kind.
func (p Preview) Object(object string) string {
	_, _, err := p.Client.Named(p.Namespace, object)
	if err == nil || !meta.IsNoMatchError(err) || p.NewKinds || p.mayAddObjects() {
		return ""
	}
	kind, _, _ := strings.Cut(object, "/")
	return fmt.Sprintf("the cluster has no kind %q", kind)
}

// Service returns why a task cannot run in a container of a service, as FindWorkload finds it; an empty container is
// the only one, or the default one.
func (p Preview) Service(ctx context.Context, release, service, label, container string) string {
	var all []candidate
	for _, o := range p.Objects {
		kind := o.GroupVersionKind().GroupKind()
		if kind.Group == "apps" && slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet"}, kind.Kind) && o.GetNamespace() == p.Namespace {
			m := metav1.ObjectMeta{Name: o.GetName(), Labels: o.GetLabels(), Annotations: map[string]string{releaseAnnotation: release}}
			all = append(all, candidate{kube.Name(o), metav1.PartialObjectMetadata{ObjectMeta: m}})
		}
	}
	name, err := match(all, p.Namespace, release, service, label)
	if none := (*NoWorkloadError)(nil); errors.As(err, &none) {
		if _, err := p.finder().FindWorkload(ctx, p.Namespace, release, service, label); !errors.As(err, &none) || p.mayAddObjects() {
			return ""
		}
		var known []string
		for _, o := range all {
			known = append(known, o.Name)
		}
		return fmt.Sprintf("neither the chart nor namespace %q has a workload for service %q%s", p.Namespace, service, suggestion(service, known))
	}
	if err != nil {
		return err.Error()
	}
	return p.ofService(ctx, name, container)
}

// ofService is Service for the workload of the service.
func (p Preview) ofService(ctx context.Context, workload, container string) string {
	template, err := p.finder().PodTemplateIn(p.Objects, p.Namespace, workload)
	if err != nil {
		return ""
	}
	has := names(template.Spec.Containers)
	if container == "" && len(has) > 1 && template.Annotations[podcmd.DefaultContainerAnnotationName] == "" {
		return fmt.Sprintf("the pods of %s have the containers %s: set \"container\"", workload, strings.Join(has, ", "))
	}
	if container == "" {
		return ""
	}
	return p.Target(ctx, workload, container)
}

// find returns the object of that name, from the objects or else from the cluster. It returns nil and the reason when
// there is none, and nil alone when that cannot be known.
func (p Preview) find(ctx context.Context, name string) (*unstructured.Unstructured, string) {
	named, resource, err := p.Client.Named(p.Namespace, name)
	if err != nil {
		return nil, p.Object(name)
	}
	var others []string
	for _, o := range p.Objects {
		if o.GroupVersionKind().GroupKind() != named.GroupVersionKind().GroupKind() || o.GetNamespace() != named.GetNamespace() {
			continue
		}
		if o.GetName() == named.GetName() {
			return o, ""
		}
		others = append(others, o.GetName())
	}
	client, err := p.Client.Resource(resource, named.GetNamespace())
	if err != nil {
		return nil, ""
	}
	live, err := client.Get(ctx, named.GetName(), metav1.GetOptions{})
	switch {
	case err == nil:
		return live, ""
	case !apierrors.IsNotFound(err) || p.mayAddObjects():
		return nil, ""
	}
	return nil, fmt.Sprintf("neither the chart nor namespace %q has %s%s", p.Namespace, kube.Name(named), suggestion(named.GetName(), others))
}

// mayAddObjects reports whether the objects have kinds of which a controller may create further objects, or kinds.
func (p Preview) mayAddObjects() bool {
	return slices.ContainsFunc(p.Objects, func(o *unstructured.Unstructured) bool { return !scheme.Scheme.Recognizes(o.GroupVersionKind()) })
}

// selectedBy returns the workloads whose pods a Service selects.
func (p Preview) selectedBy(service *unstructured.Unstructured) []*unstructured.Unstructured {
	selector, _, _ := unstructured.NestedStringMap(service.Object, "spec", "selector")
	return slices.DeleteFunc(Of(p.Objects), func(o *unstructured.Unstructured) bool {
		template, err := templateOf(o)
		return err != nil || len(selector) == 0 || !labels.SelectorFromSet(selector).Matches(labels.Set(template.Labels))
	})
}
