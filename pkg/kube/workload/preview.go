package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kubectl/pkg/cmd/util/podcmd"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
	"github.com/kubectl-tasks/kubectl-tasks/pkg/task"
)

// Preview answers what a namespace is going to lack when objects that are not applied yet have been. Its answers are
// empty when nothing is lacking, or when that cannot be known: custom resources among the objects may bring others.
type Preview struct {
	Client    *kube.Client
	Namespace string
	Objects   []*unstructured.Unstructured
	// PodLabel is the label by which the pods of a release are preferred; see PreferLabelled.
	PodLabel string
	// Kinds reports that kinds may come which the cluster does not know.
	Kinds bool
}

func (p Preview) finder() Finder { return Finder{p.Client} }

// Target returns why a program cannot run in the container of KIND/NAME; an empty container is the default one.
func (p Preview) Target(ctx context.Context, target, container string) string {
	o, why := p.find(ctx, target)
	if o == nil {
		return why
	}
	if kind := o.GroupVersionKind().GroupKind(); kind != (schema.GroupKind{Kind: "Service"}) && !kube.IsWorkload(kind) {
		return fmt.Sprintf("programs run in the pods of a Deployment, StatefulSet, DaemonSet, ReplicaSet, Service or Pod, and %s is none", kube.Name(o))
	}
	if container == "" {
		return ""
	}
	if o.GetKind() == "Service" {
		return p.container(ctx, kube.Name(o), container, p.behind(o))
	}
	return p.container(ctx, kube.Name(o), container, []*unstructured.Unstructured{o})
}

// Release is Target for the pods of what is coming.
func (p Preview) Release(ctx context.Context, container string) string {
	all := PreferLabelled(Of(p.Objects), p.PodLabel)
	if len(all) == 0 {
		return "the release has no workload, and so no pods"
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

// Object returns why KIND/NAME can never be: because of its kind.
func (p Preview) Object(object string) string {
	_, _, err := p.Client.Named(p.Namespace, object)
	if err == nil || !meta.IsNoMatchError(err) || p.Kinds || p.brings() {
		return ""
	}
	kind, _, _ := strings.Cut(object, "/")
	return fmt.Sprintf("the cluster has no kind %q", kind)
}

// Service returns why a task of Lagoon cannot run in a container of a service, as FindWorkload finds it; an empty
// container is the only one, or the default one.
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
		if _, err := p.finder().FindWorkload(ctx, p.Namespace, release, service, label); !errors.As(err, &none) || p.brings() {
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

// find returns the object of that name, of those that are coming or else of the cluster; nil, and why, when
// there is none, or nil alone when that cannot be known.
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
	case !apierrors.IsNotFound(err) || p.brings():
		return nil, ""
	}
	return nil, fmt.Sprintf("neither the chart nor namespace %q has %s%s", p.Namespace, kube.Name(named), suggestion(named.GetName(), others))
}

// brings reports whether a controller may make further objects, or a definition further kinds, of what is coming.
func (p Preview) brings() bool {
	return slices.ContainsFunc(p.Objects, func(o *unstructured.Unstructured) bool { return !scheme.Scheme.Recognizes(o.GroupVersionKind()) })
}

// behind returns the workloads whose pods a Service selects.
func (p Preview) behind(service *unstructured.Unstructured) []*unstructured.Unstructured {
	selector, _, _ := unstructured.NestedStringMap(service.Object, "spec", "selector")
	return slices.DeleteFunc(Of(p.Objects), func(o *unstructured.Unstructured) bool {
		template, err := templateOf(o)
		return err != nil || len(selector) == 0 || !labels.SelectorFromSet(selector).Matches(labels.Set(template.Labels))
	})
}

// container returns that none of the workloads has a container of that name, neither in its template, nor in its
// pods, nor in a pod that the cluster would make of the template: webhooks add containers.
func (p Preview) container(ctx context.Context, of, name string, all []*unstructured.Unstructured) string {
	var has []string
	for _, o := range all {
		template, err := templateOf(o)
		if err != nil {
			return ""
		}
		has = append(has, inPod(template.Spec)...)
	}
	if len(all) == 0 || slices.Contains(has, name) {
		return ""
	}
	for _, o := range all {
		pods, _ := p.finder().OwnPods(ctx, o) // what is not there yet has none
		for _, pod := range pods {
			if slices.Contains(inPod(pod.Spec), name) {
				return ""
			}
		}
		template, _ := templateOf(o)
		made := p.wouldMake(ctx, template)
		if made == nil || slices.Contains(inPod(made.Spec), name) {
			return "" // without an answer it is not known what webhooks add
		}
	}
	slices.Sort(has)
	return noContainer(of, name, slices.Compact(has))
}

// wouldMake returns the pod that the server would make of a template, by a dry run; nil when it would make none.
func (p Preview) wouldMake(ctx context.Context, template *Template) *corev1.Pod {
	client, err := p.Client.Interface()
	if err != nil {
		return nil
	}
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Name, pod.GenerateName, pod.Namespace = "", "kubectl-tasks-", p.Namespace
	made, err := client.CoreV1().Pods(p.Namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: "kubectl-tasks"})
	if err != nil {
		return nil
	}
	return made
}

// inPod are the containers in which a program can be run.
func inPod(spec corev1.PodSpec) []string {
	return slices.Concat(names(spec.Containers), names(spec.InitContainers))
}

func names(containers []corev1.Container) []string {
	all := make([]string, len(containers))
	for i, c := range containers {
		all[i] = c.Name
	}
	return all
}

func noContainer(of, name string, has []string) string {
	return fmt.Sprintf("%s has no container %q; it has %s", of, name, strings.Join(has, ", "))
}

func suggestion(name string, known []string) string {
	if meant := task.Nearest(name, known); meant != "" {
		return fmt.Sprintf("; did you mean %q?", meant)
	}
	return ""
}
