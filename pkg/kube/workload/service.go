package workload

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"

	"github.com/kubectl-tasks/kubectl-tasks/pkg/kube"
)

// NoWorkloadError means that a namespace has no workload for a service.
type NoWorkloadError struct{ Namespace, Service string }

// Error returns the service and the namespace.
func (e *NoWorkloadError) Error() string {
	return fmt.Sprintf("no deployment for service %q in namespace %q", e.Service, e.Namespace)
}

// releaseAnnotation is the annotation with which Helm marks the objects of a release.
const releaseAnnotation = "meta.helm.sh/release-name"

// candidate is a workload that may be that of a service.
type candidate struct {
	name string // KIND/NAME
	metav1.PartialObjectMetadata
}

// FindWorkload returns the workload of a service, as KIND/NAME: the one whose label has the service's name, else the
// one with that name, with or without the release's name before it, else the one whose app.kubernetes.io/component or
// app.kubernetes.io/name is that name. Of several, those of the release are preferred. When several remain, the error
// names them; when there are none, it is a *NoWorkloadError.
func (f Finder) FindWorkload(ctx context.Context, namespace, release, service, label string) (string, error) {
	config, err := f.Client.RESTConfig()
	if err != nil {
		return "", err
	}
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return "", err
	}
	var all []candidate
	for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet"} {
		resource, _ := kube.ResourceOf(schema.GroupKind{Group: "apps", Kind: kind})
		list, err := client.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
		if apierrors.IsForbidden(err) && kind != "Deployment" {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("finding service %q: %w", service, err)
		}
		for _, o := range list.Items {
			all = append(all, candidate{strings.ToLower(kind) + "/" + o.Name, o})
		}
	}
	return match(all, namespace, release, service, label)
}

// match is FindWorkload among candidates.
func match(all []candidate, namespace, release, service, label string) (string, error) {
	rules := []func(candidate) bool{
		func(o candidate) bool { return o.Labels[label] == service },
		func(o candidate) bool {
			return o.Name == service || release != "" && o.Name == release+"-"+service
		},
		func(o candidate) bool {
			return o.Labels["app.kubernetes.io/component"] == service || o.Labels["app.kubernetes.io/name"] == service
		},
	}
	for _, rule := range rules {
		found := only(all, rule)
		if own := only(found, func(o candidate) bool { return release != "" && o.Annotations[releaseAnnotation] == release }); len(own) > 0 {
			found = own
		}
		switch len(found) {
		case 0:
			continue
		case 1:
			return found[0].name, nil
		}
		names := make([]string, len(found))
		for i, o := range found {
			names[i] = o.name
		}
		return "", fmt.Errorf("service %q in namespace %q matches %s: give one of them the label %s: %s", service, namespace, strings.Join(names, ", "), label, service)
	}
	return "", &NoWorkloadError{Namespace: namespace, Service: service}
}

// only returns the candidates for which keep returns true.
func only(all []candidate, keep func(candidate) bool) []candidate {
	return slices.DeleteFunc(slices.Clone(all), func(o candidate) bool { return !keep(o) })
}
